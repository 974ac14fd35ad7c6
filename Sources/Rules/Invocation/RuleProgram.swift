import Conversations
import DurableExecution
import Foundation
import Lua

/// A rule's run for one event, as the engine drives it.
actor RuleProgram: Program {
    private let rule: Rule
    private let pack: RulePack
    private let event: ConversationEvent
    private let seed: UInt64
    private let shard: RuleShard
    private let stopped: @Sendable () async -> Void
    private var handle: RuleShard.Handle?
    private var asked: RuleCommand?

    /// - Parameters:
    ///   - seed: Of `math.random`: the same for every replay of an invocation.
    ///   - stopped: Told if the script is stopped because it used up a limit.
    init(
        _ rule: Rule, of pack: RulePack, event: ConversationEvent, seed: UInt64, on shard: RuleShard,
        stopped: @escaping @Sendable () async -> Void = {}
    ) {
        self.stopped = stopped
        self.seed = seed
        self.rule = rule
        self.pack = pack
        self.event = event
        self.shard = shard
    }

    func advance(_ input: ProgramInput) async -> ProgramStep {
        do {
            switch input {
            case .begin:
                let (handle, step) = try await shard.begin(
                    rule, of: pack, argument: event.ruleArgument, seed: seed)
                self.handle = handle
                return await translate(step)
            case .outcome(let data):
                return await resume(.values([try asked?.value(of: data) ?? .nil]))
            case .failure(let failure):
                return await resume(.failure(LuaHostError(failure)))
            }
        } catch let error as LuaError {
            return ProgramStep(next: .failed(ProgramFailure(error)))
        } catch {
            return ProgramStep(next: .failed(ProgramFailure(code: "unreadable", message: "\(error)")))
        }
    }

    func cancel() async {
        guard let handle else { return }
        self.handle = nil
        await shard.end(handle)
    }

    private func resume(_ input: LuaInput) async -> ProgramStep {
        guard let handle else {
            return ProgramStep(next: .failed(ProgramFailure(code: "not_running", message: "the rule was not begun")))
        }
        return await translate(await shard.resume(handle, input))
    }

    /// Turns what the script wants into what the engine does. A command that can't be made is the script's to handle,
    /// at once.
    private func translate(_ first: RuleShard.Step) async -> ProgramStep {
        var step = first
        var logs = step.logs
        while true {
            switch step.step {
            case .finished:
                return ProgramStep(logs: logs, next: .finished(nil))
            case .failed(let error):
                if error.code == .limit || error.code == .memory { await stopped() }
                return ProgramStep(logs: logs, next: .failed(ProgramFailure(error)))
            case .paused:
                guard let handle else { return ProgramStep(logs: logs, next: .finished(nil)) }
                step = await shard.resume(handle, .proceed)
                logs += step.logs
            case .command(let command):
                do {
                    let made = try RuleCommand.command(command, pack: pack.name, event: event)
                    asked = RuleCommand(rawValue: made.name)
                    return ProgramStep(logs: logs, next: .command(made))
                } catch {
                    guard let handle else { return ProgramStep(logs: logs, next: .finished(nil)) }
                    step = await shard.resume(handle, .failure(error))
                    logs += step.logs
                }
            }
        }
    }
}

extension LuaHostError {
    init(_ failure: CommandFailure) {
        self.init(
            code: failure.code, message: failure.message, retryable: failure.retryable,
            details: failure.details.flatMap { try? JSONValue(parsing: $0).members }?.mapValues(LuaValue.init) ?? [:])
    }
}

extension ProgramFailure {
    init(_ error: LuaError) {
        let location = error.file.map { file in error.line.map { "\(file):\($0)" } ?? file }
        let source = error.sourceLine.map { "\(error.line.map(String.init) ?? "") | \($0)" }
        self.init(
            code: error.raisedCode ?? error.code.rawValue, message: error.message,
            traceback: [source, error.traceback].compactMap { $0 }.joined(separator: "\n"), location: location)
    }
}

extension LuaError {
    /// The code of the failed command that nobody caught, such as `forbidden`: it says more than that a rule failed.
    fileprivate var raisedCode: String? {
        guard case .object(let fields)? = value, case .string(let code)? = fields["code"], !code.isEmpty else {
            return nil
        }
        return code
    }
}
