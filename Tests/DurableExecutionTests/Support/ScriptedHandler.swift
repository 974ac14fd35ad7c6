import DurableExecution
import Foundation
import Synchronization

/// A program whose next step is a function of the outcomes that it got so far.
final class ScriptedProgram: Program {
    typealias Script = @Sendable ([ProgramInput]) -> ProgramStep

    private let script: Script
    private let inputs = Mutex<[ProgramInput]>([])
    private let onCancel: @Sendable () -> Void
    /// Whether it can be kept while it waits.
    private let rests: Bool
    /// Whether it is still there then.
    private let wakes: Switch

    init(
        _ script: @escaping Script, rests: Bool = false, wakes: Switch = Switch(true),
        onCancel: @escaping @Sendable () -> Void = {}
    ) {
        self.script = script
        self.rests = rests
        self.wakes = wakes
        self.onCancel = onCancel
    }

    func advance(_ input: ProgramInput) async -> ProgramStep {
        let inputs = inputs.withLock { inputs in
            if input != .begin { inputs.append(input) }
            return inputs
        }
        return script(inputs)
    }

    func rest() async -> Bool { rests }

    func wake() async -> Bool { wakes.isOn }

    func cancel() async { onCancel() }
}

extension ScriptedProgram {
    /// Makes the commands one after the other, a log line before each; ends as failed at the first that fails.
    static func making(_ commands: [Command]) -> Script {
        { inputs in
            if case .failure(let failure)? = inputs.last {
                let end = ProgramFailure(code: failure.code, message: failure.message)
                return ProgramStep(next: failure.outcomeUnknown ? .undecided(end) : .failed(end))
            }
            guard inputs.count < commands.count else { return ProgramStep(next: .finished(nil)) }
            let command = commands[inputs.count]
            return ProgramStep(
                logs: [LogLine(level: "info", message: "before \(command.name)")], next: .command(command))
        }
    }
}

extension Command {
    static func read(_ name: String) -> Command { Command(name, .read) }
    static func repeatable(_ name: String) -> Command { Command(name, .repeatable) }
    static func once(_ name: String) -> Command { Command(name, .once) }
    /// Waits for an event of kind `reply`, or of the kind given.
    static func wait(
        _ timeout: Duration? = .seconds(7200), kind: String = "reply", queue: String? = "q", exclusive: Bool = false
    ) -> Command {
        Command(
            name: "wait", input: Data("\"\(kind)\"".utf8),
            effect: .wait(Wait(queue: queue, timeout: timeout, exclusive: exclusive, purpose: "a \(kind)")),
            location: "rules/a.lua:12")
    }
    /// A `once` command that is answered in queue `q`.
    static func ask(_ name: String) -> Command {
        var command = Command.once(name)
        command.answersIn = "q"
        return command
    }
    static func store(_ operation: StoreOperation) -> Command { Command("store", .store(operation)) }

    /// The same, performed by `upstream`.
    func by(_ upstream: String) -> Command {
        var command = self
        command.upstream = upstream
        return command
    }

    init(_ name: String, _ effect: Effect) {
        self.init(name: name, input: Data("{\"name\":\"\(name)\"}".utf8), effect: effect, location: "rules/a.lua:7")
    }
}

/// A handler whose every answer can be set, and which remembers what was performed.
final class ScriptedHandler: EventHandler {
    struct Performed: Hashable, Sendable {
        var command: String
        var event: Int64
        var rule: String
        var attempt: Int
    }

    typealias Hook = @Sendable (String) async throws -> Void

    var preparing: @Sendable (Event, any IdentityClaims) async throws -> Preparation {
        get { answers.withLock { $0.prepare } }
        set { answers.withLock { $0.prepare = newValue } }
    }
    /// Who is asked to prepare an event; by default nobody is.
    var asking: @Sendable (Event) -> String? {
        get { answers.withLock { $0.ask } }
        set { answers.withLock { $0.ask = newValue } }
    }
    /// Who is asked to catch up with a queue; by default nobody is.
    var askingToCatchUp: @Sendable (String) -> String? {
        get { answers.withLock { $0.askToCatchUp } }
        set { answers.withLock { $0.askToCatchUp = newValue } }
    }
    var matching: @Sendable (Event) async throws -> Matching {
        get { answers.withLock { $0.match } }
        set { answers.withLock { $0.match = newValue } }
    }
    var scripts: [String: ScriptedProgram.Script] {
        get { answers.withLock { $0.scripts } }
        set { answers.withLock { $0.scripts = newValue } }
    }
    var performing: @Sendable (Command, CommandContext) async throws -> Data {
        get { answers.withLock { $0.perform } }
        set { answers.withLock { $0.perform = newValue } }
    }
    /// By default, a wait takes events of the kind that is its input; the outcome is the event's sequence.
    var offering: @Sendable (Event, Waiting) async throws -> Data? {
        get { answers.withLock { $0.offer } }
        set { answers.withLock { $0.offer = newValue } }
    }
    var catchingUp: @Sendable (String) async throws -> Void {
        get { answers.withLock { $0.catchUp } }
        set { answers.withLock { $0.catchUp = newValue } }
    }
    /// By default nobody can look.
    var looking: (@Sendable (Command, CommandContext) async throws -> Sighting)? {
        get { answers.withLock { $0.look } }
        set { answers.withLock { $0.look = newValue } }
    }
    var permitting: @Sendable (Command, CommandContext) async throws -> Void {
        get { answers.withLock { $0.permit } }
        set { answers.withLock { $0.permit = newValue } }
    }
    var producing: @Sendable (Command, Data) -> [String] {
        get { answers.withLock { $0.produce } }
        set { answers.withLock { $0.produce = newValue } }
    }
    var rehearsing: @Sendable (Command, CommandContext) async throws -> Data {
        get { answers.withLock { $0.rehearse } }
        set { answers.withLock { $0.rehearse = newValue } }
    }
    /// What an event says that counts though it expired.
    var saying: @Sendable (Event) -> [Fact] {
        get { answers.withLock { $0.say } }
        set { answers.withLock { $0.say = newValue } }
    }

    /// Told of each invocation for which a program is made.
    var starting: @Sendable (Invocation) async -> Void {
        get { answers.withLock { $0.start } }
        set { answers.withLock { $0.start = newValue } }
    }
    /// Called at every step, with its name, before it takes effect (and for commands also after).
    var hook: Hook {
        get { answers.withLock { $0.hook } }
        set { answers.withLock { $0.hook = newValue } }
    }

    private struct Answers {
        var prepare: @Sendable (Event, any IdentityClaims) async throws -> Preparation = { event, _ in
            .ready(payload: event.payload)
        }
        var ask: @Sendable (Event) -> String? = { _ in nil }
        var askToCatchUp: @Sendable (String) -> String? = { _ in nil }
        var match: @Sendable (Event) async throws -> Matching = { _ in
            Matching(starts: [Start(rule: "rule", version: "1")])
        }
        var scripts: [String: ScriptedProgram.Script] = [:]
        var perform: @Sendable (Command, CommandContext) async throws -> Data = { _, _ in Data("\"ok\"".utf8) }
        var start: @Sendable (Invocation) async -> Void = { _ in }
        var hook: Hook = { _ in }
        var offer: @Sendable (Event, Waiting) async throws -> Data? = { event, waiting in
            "\"\(event.kind)\"" == String(decoding: waiting.input, as: UTF8.self) ? Data("\(event.sequence)".utf8) : nil
        }
        var catchUp: @Sendable (String) async throws -> Void = { _ in }
        var look: (@Sendable (Command, CommandContext) async throws -> Sighting)?
        var permit: @Sendable (Command, CommandContext) async throws -> Void = { _, _ in }
        var produce: @Sendable (Command, Data) -> [String] = { _, _ in [] }
        var say: @Sendable (Event) -> [Fact] = { _ in [] }
        var rehearse: @Sendable (Command, CommandContext) async throws -> Data = { command, _ in
            Data("\"rehearsed \(command.name)\"".utf8)
        }
    }

    private let answers = Mutex(Answers())
    private let record = Mutex<[Performed]>([])
    private let toldFacts = Mutex<[Fact]>([])
    private let matchedEvents = Mutex<[Int64]>([])
    private let stops = Mutex<[String]>([])
    private let cancellations = Atomic(0)
    private let programs = Atomic(0)

    /// What was performed, in order.
    var performed: [Performed] { record.withLock { $0 } }
    var performedNames: [String] { performed.map(\.command) }
    /// The facts that it was told of.
    var facts: [Fact] { toldFacts.withLock { $0 } }
    var matched: [Int64] { matchedEvents.withLock { $0 } }
    /// Whether programs can be kept while they wait.
    let keepsPrograms = Switch(false)
    /// Whether those that were kept are still there when they are to go on.
    let wakesPrograms = Switch(true)
    /// Rules whose runs the engine ended at a limit, and why.
    var stoppedRuns: [String] { stops.withLock { $0 } }
    /// How many programs were made.
    var madePrograms: Int { programs.load(ordering: .relaxed) }
    /// Programs that were made and not given up.
    var livePrograms: Int { programs.load(ordering: .relaxed) - cancellations.load(ordering: .relaxed) }

    /// - Parameter commands: What the rule `rule`, which every event starts, does.
    init(_ commands: [Command] = []) {
        scripts = ["rule": ScriptedProgram.making(commands)]
    }

    func prepare(_ event: Event, claims: any IdentityClaims) async throws -> Preparation {
        try await hook("prepare")
        return try await preparing(event, claims)
    }

    func upstream(preparing event: Event) -> String? { asking(event) }
    func upstream(catchingUp queue: String) -> String? { askingToCatchUp(queue) }

    func match(_ event: Event) async throws -> Matching {
        try await hook("match")
        matchedEvents.withLock { $0.append(event.sequence) }
        return try await matching(event)
    }

    func offer(_ event: Event, to waiting: Waiting) async throws -> Data? {
        try await hook("offer")
        return try await offering(event, waiting)
    }

    func catchUp(_ queue: String) async throws { try await catchingUp(queue) }

    func canLookFor(_ command: Command) -> Bool { looking != nil }

    func lookFor(_ command: Command, in context: CommandContext) async throws -> Sighting {
        try await hook("look \(command.name)")
        return try await looking?(command, context) ?? .unknowable
    }

    func program(for invocation: Invocation, event: Event) async throws -> any Program {
        try await hook("program")
        guard let script = scripts[invocation.rule] else {
            throw EngineFailure("there is no rule \(invocation.rule)", retryable: false)
        }
        await starting(invocation)
        programs.add(1, ordering: .relaxed)
        return ScriptedProgram(script, rests: keepsPrograms.isOn, wakes: wakesPrograms) { [self] in
            cancellations.add(1, ordering: .relaxed)
        }
    }

    func stopped(_ invocation: Invocation, of event: Event, because failure: ProgramFailure) async {
        stops.withLock { $0.append("\(invocation.rule): \(failure.code)") }
    }

    func kept(_ facts: [Fact]) async {
        try? await hook("kept")
        toldFacts.withLock { $0 += facts }
    }

    func facts(in event: Event) async -> [Fact] { saying(event) }

    func permit(_ command: Command, in context: CommandContext) async throws {
        try await hook("permit \(command.name)")
        try await permitting(command, context)
    }

    func pauseSubject(of rule: String) -> String? { "rule:\(rule)" }

    func produces(_ command: Command, outcome: Data) -> [String] { producing(command, outcome) }

    func rehearse(_ command: Command, in context: CommandContext) async throws -> Data {
        try await rehearsing(command, context)
    }

    func perform(_ command: Command, in context: CommandContext) async throws -> Data {
        try await hook("perform \(command.name)")
        record.withLock {
            $0.append(
                Performed(
                    command: command.name, event: context.event.sequence, rule: context.invocation.rule,
                    attempt: context.attempt))
        }
        let outcome = try await performing(command, context)
        try await hook("performed \(command.name)")
        return outcome
    }
}
