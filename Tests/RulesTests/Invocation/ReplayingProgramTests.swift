import CustomDump
import DurableExecution
import Foundation
import Synchronization
import Testing

@testable import Rules

@Suite struct ReplayingProgramTests {
    /// Asks for commands named by how often it was made, or not.
    private actor Counting: Program {
        private let prefix: String
        private var asked = 0

        init(_ prefix: String) { self.prefix = prefix }

        func advance(_ input: ProgramInput) -> ProgramStep {
            asked += 1
            guard asked < 3 else { return ProgramStep(next: .finished(nil)) }
            return ProgramStep(next: .command(Command(name: "\(prefix)\(asked)", input: Data(), effect: .read)))
        }

        func cancel() {}
    }

    @Test func `each step is taken by a program made anew`() async {
        let made = Mutex(0)
        let program = ReplayingProgram {
            made.withLock { $0 += 1 }
            return Counting("step")
        }
        var names: [String] = []
        var input = ProgramInput.begin
        while case .command(let command) = await program.advance(input).next {
            names.append(command.name)
            input = .outcome(Data("null".utf8))
        }
        expectNoDifference(names, ["step1", "step2"])
        expectNoDifference(made.withLock { $0 }, 3)
    }

    @Test func `a program that asks for something else the second time has diverged`() async throws {
        let made = Mutex(0)
        let program = ReplayingProgram {
            Counting(
                made.withLock { made in
                    made += 1
                    return "made\(made)_"
                })
        }
        _ = await program.advance(.begin)
        let step = await program.advance(.outcome(Data("null".utf8)))
        guard case .failed(let failure) = step.next else {
            Issue.record("it went on: \(step)")
            return
        }
        expectNoDifference(failure.code, "diverged")
    }
}
