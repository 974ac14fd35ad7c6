import DurableExecution

/// Rebuilds a run from its beginning for every single step, as a restart between any two commands would.
///
/// For tests: whatever differs from what was asked for before is a rule, or a binding, that a replay would break.
actor ReplayingProgram: Program {
    private let make: @Sendable () -> any Program
    private var inputs: [ProgramInput] = []
    private var commands: [Command] = []

    init(_ make: @escaping @Sendable () -> any Program) { self.make = make }

    func advance(_ input: ProgramInput) async -> ProgramStep {
        let program = make()
        for (former, command) in zip(inputs, commands) {
            let step = await program.advance(former, replaying: true)
            guard step.next != .command(command) else { continue }
            await program.cancel()
            return ProgramStep(
                next: .failed(
                    ProgramFailure(code: "diverged", message: "a replay gave \(step.next) instead of \(command)")))
        }
        let step = await program.advance(input)
        await program.cancel()
        inputs.append(input)
        if case .command(let command) = step.next { commands.append(command) }
        return step
    }

    /// Nothing is kept between steps.
    func cancel() {}
}
