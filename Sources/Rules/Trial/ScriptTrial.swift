import Conversations
import DurableExecution
import Foundation
public import Lua
public import Packs

/// Runs one script as the host runs a rule: the same bindings, limits and kind of thread, but with nobody behind it.
///
/// Commands are noted and not performed; each is answered as an API would that holds nothing: no reply comes, no message
/// is found, metadata and store are empty.
public actor ScriptTrial: LuaThreadActor {
    public nonisolated let luaThread = LuaThread(name: "script")
    private let limits: LuaLimits

    public init(limits: RuleLimits) {
        LuaLimits.setMemoryCeiling(limits.processMemoryBytes)
        self.limits = limits.lua
    }

    deinit {
        luaThread.shutdown()
    }

    /// Runs `text` as the body of a rule's `run`; where that returns a rule's table, runs that rule.
    ///
    /// The argument is a sample event: a message, or what the rule's `on` names.
    ///
    /// - Parameters:
    ///   - name: What errors call the script.
    ///   - pack: Whose modules it may require; nil for none.
    /// - Throws: ``PackError`` if a module is not text.
    public func run(_ text: String, name: String, in pack: Pack? = nil) throws -> ScriptReport {
        let pack = pack ?? Pack(manifest: PackManifest(name: "local/script", version: "0.0.0"), files: [:])
        let name = String(name.map { $0.isNewline || $0 == "\0" ? "?" : $0 })
        let log = LogBuffer()
        let environment = try RuleEnvironment.make(for: pack, log: log, limits: limits)
        let start = ContinuousClock.now
        var script = Run(environment, pack: pack.manifest.name)
        script.start(LuaSource(name: name, text: Self.head + text + "\nend }"), .sample(.message))
        if script.report.outcome == .finished, let trigger = script.trigger {
            script = Run(environment, pack: pack.manifest.name)
            script.start(LuaSource(name: name, text: text), .sample(trigger))
        }
        var report = script.report
        report.time = ContinuousClock.now - start
        report.logs = log.drain().map { "\($0.level): \($0.message)" }
        return report
    }

    /// Stands on the script's first line, so that lines keep their numbers.
    fileprivate static let head = "return { run = function(...) "
}

/// A script on its way, in a state of its own.
private struct Run {
    private let environment: LuaEnvironment
    private let pack: String
    private(set) var report = ScriptReport(outcome: .finished)
    /// What the script's value reacts to, where that is a rule's table.
    private(set) var trigger: ConversationEvent.Kind?

    init(_ environment: LuaEnvironment, pack: String) {
        self.environment = environment
        self.pack = pack
    }

    mutating func start(_ source: LuaSource, _ event: ConversationEvent) {
        do throws(LuaError) {
            let state = try LuaState(environment)
            let invocation = try state.start(source, field: "run", arguments: [event.ruleArgument])
            finish(invocation, event)
            report.memoryBytes = state.peakBytes
        } catch {
            fail(error)
        }
    }

    /// As many as the engine lets a run make, unless it is told otherwise.
    private static let commandLimit = EngineConfiguration().commandLimit

    private mutating func finish(_ invocation: LuaInvocation, _ event: ConversationEvent) {
        var step = invocation.resume(.begin)
        while !invocation.isDone {
            switch step {
            case .command where report.commandCount >= Self.commandLimit:
                invocation.cancel()
                step = .failed(
                    LuaError(code: .limit, message: "more than \(Self.commandLimit) commands in one run"))
            case .command(let command):
                let (input, allowance) = answer(command, event)
                step = invocation.resume(input, allowance: allowance)
            default: step = invocation.resume(.proceed)
            }
        }
        report.cpuTime = invocation.cpuTime
        switch step {
        case .failed(let error): fail(error)
        case .finished(let values): take(values)
        case .command, .paused: break
        }
    }

    private mutating func take(_ values: [LuaValue]) {
        if case .object(let fields)? = values.first, case .function? = fields["run"] {
            guard case .string(let name)? = fields["on"] else { return trigger = .message }
            trigger = ConversationEvent.Kind(rawValue: name) ?? .message
        }
        report.results = values.map { value in
            (try? value.json().text()).map { String(decoding: $0, as: UTF8.self) } ?? "\(value)"
        }
    }

    private mutating func fail(_ error: LuaError) {
        report.outcome = error.code == .limit || error.limit != nil ? .stopped : .failed
        report.limit = error.limit.map { limit in
            if limit == .source { return "source" }
            return error.message.contains("limits.process_memory") ? "limits.process_memory" : "limits.\(limit)"
        }
        report.message = error.message
        var details =
            error.sourceLine.map { line in
                ["    " + line.replacing(ScriptTrial.head, with: "").trimmingCharacters(in: .whitespaces)]
            } ?? []
        details += error.traceback.split(separator: "\n").map { "  " + $0 }
        report.details = details.isEmpty ? nil : details.joined(separator: "\n")
    }

    /// What a command is answered with, and whether the script's times begin anew, as they do in the host.
    private mutating func answer(_ asked: LuaCommand, _ event: ConversationEvent) -> (LuaInput, LuaAllowance) {
        do {
            let command = try RuleCommand.command(asked, pack: pack, event: event)
            let input = String(decoding: command.input, as: UTF8.self)
            report.commandCount += 1
            if report.commands.count < ScriptReport.commandLimit {
                report.commands.append(
                    ScriptReport.Command(name: command.name, input: input, location: command.location))
            }
            guard let kind = RuleCommand(rawValue: command.name) else { return (.values([]), .renewed()) }
            return (.values([try kind.value(of: kind.emptyAnswer)]), .renewed())
        } catch let error as LuaHostError {
            return (.failure(error), .remaining)
        } catch {
            return (.failure(LuaHostError(code: "bad_value", message: "\(error)")), .remaining)
        }
    }
}

extension RuleCommand {
    /// What an API would answer that holds nothing.
    fileprivate var emptyAnswer: Data {
        let text =
            switch self {
            case .listConversations: #"{"conversations":[],"total":0,"has_more":false}"#
            case .listMessages: "[]"
            case .tag, .untag, .increment, .setMetadata, .clearMetadata: #"{"metadata":{},"value":1}"#
            case .send: #"{"id":"sent","body":"","reactions":[],"attachments":[]}"#
            case .storeIncrement: "1"
            case .storeCompareAndSet: "true"
            case .now: "1767225600.0"
            default: "null"
            }
        return Data(text.utf8)
    }
}

extension ConversationEvent {
    /// An event such as the API sends. Numbers: 555-01xx is set aside for fiction (NANPA, 555 line numbers).
    fileprivate static func sample(_ kind: Kind) -> ConversationEvent {
        let (phone, number) = ("+15555550142", "+15555550100")
        let time = Timestamp(Date(timeIntervalSince1970: 1_767_225_600))
        var event = ConversationEvent(
            kind: kind,
            conversation: Snapshot(
                id: "conversation", participant: phone, number: number, numberID: nil, agent: nil, metadata: [:],
                hasMetadata: true))
        if kind == .message {
            event.message = MessageFields(
                id: "message", body: "Hello", fromNumber: phone, toNumber: number, direction: .inbound,
                channel: .imessage, attachments: [], receivedAt: time)
        } else if kind == .reaction {
            event.reaction = ReactionFields(
                reactionType: .love, fromNumber: phone, direction: .inbound, channel: .imessage, messageID: "message",
                messageBody: "Hello", createdAt: time)
        } else if kind == .callEnded {
            event.call = ["from": .string(phone), "to": .string(number), "direction": "inbound"]
        }
        return event
    }
}
