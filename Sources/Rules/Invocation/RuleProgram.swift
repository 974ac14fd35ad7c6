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
    private let hooks: Hooks
    private var handle: RuleShard.Handle?
    private var asked: RuleCommand?
    /// What the script was just told of a command that may have taken place.
    private var unknown: CommandFailure?

    /// How many times the limits a step may take that was taken before: the machine may be busier now, and it was within
    /// the limits then.
    private static let replayTimes = 4

    /// What a program asks of its host.
    struct Hooks: Sendable {
        /// Told if the script is stopped because it used up a limit.
        var stopped: @Sendable () async -> Void = {}
        /// Frees what runs at rest hold, for one that needs memory.
        var freeMemory: @Sendable () async -> Void = {}
        /// Whether a run that rested is taken as dropped. For tests.
        var forgets: @Sendable () -> Bool = { false }
    }

    /// - Parameter seed: Of `math.random`: the same for every replay of an invocation.
    init(
        _ rule: Rule, of pack: RulePack, event: ConversationEvent, seed: UInt64, on shard: RuleShard,
        hooks: Hooks = Hooks()
    ) {
        self.hooks = hooks
        self.seed = seed
        self.rule = rule
        self.pack = pack
        self.event = event
        self.shard = shard
    }

    func advance(_ input: ProgramInput) async -> ProgramStep { await advance(input, replaying: false) }

    func advance(_ input: ProgramInput, replaying: Bool) async -> ProgramStep {
        let allowance = LuaAllowance.renewed(times: replaying ? Self.replayTimes : 1)
        unknown = nil
        do {
            switch input {
            case .begin:
                let (handle, step) = try await shard.begin(
                    rule, of: pack, argument: event.ruleArgument, seed: seed, allowance: allowance)
                self.handle = handle
                return await translate(step)
            case .outcome(let data):
                return await resume(.values([try asked?.value(of: data) ?? .nil]), allowance)
            case .failure(let failure):
                if failure.outcomeUnknown { unknown = failure }
                return await resume(.failure(LuaHostError(failure)), allowance)
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

    func rest() async -> Bool {
        guard let handle else { return false }
        return await shard.rest(handle)
    }

    func wake() async -> Bool {
        guard let handle, !hooks.forgets() else { return false }
        return await shard.wake(handle)
    }

    private func resume(_ input: LuaInput, _ allowance: LuaAllowance) async -> ProgramStep {
        guard let handle else {
            return ProgramStep(next: .failed(ProgramFailure(code: "not_running", message: "the rule was not begun")))
        }
        return await translate(await shard.resume(handle, input, allowance))
    }

    /// Turns what the script wants into what the engine does. A command that can't be made is the script's to handle, at
    /// once and at its own cost: nothing else bounds how many of them it makes.
    private func translate(_ first: RuleShard.Step) async -> ProgramStep {
        var step = first
        var logs = step.logs
        while true {
            if step.needsMemory { await hooks.freeMemory() }
            switch step.step {
            case .finished:
                return ProgramStep(logs: logs, next: .finished(nil))
            case .failed(let error):
                if error.code == .limit || error.code == .memory { await hooks.stopped() }
                let failure = ProgramFailure(error)
                // Nobody caught it: then the script has not decided what its outcome was.
                let isUndecided = unknown.map { error.raisedCode == $0.code } ?? false
                return ProgramStep(logs: logs, next: isUndecided ? .undecided(failure) : .failed(failure))
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
                    step = await shard.resume(handle, .failure(error), .remaining)
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
