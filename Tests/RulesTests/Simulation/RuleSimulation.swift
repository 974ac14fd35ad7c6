import Conversations
import DurableExecution
import Foundation
import Packs
import Synchronization
import TestSupport

@testable import Rules

/// Rules, policy and metadata above a real engine and SQLite, in several lives, against an API with faults.
///
/// A seed decides what comes, what the API does with each call, where processes die, what people do, and the order of all
/// that could happen at once: the same seed, the same run.
final class RuleSimulation: Sendable {
    static let rules = [
        "greet": """
        return { on = "message", when = { body = "hello" }, run = function(message)
          message.conversation:send("Hi, " .. message.body)
          message.conversation:send("Thanks!")
          sleep("5m")
          message.conversation:send("Still there, " .. message.body)
        end }
        """,
        "cross": """
        return { on = "message", when = { body = "cross" }, run = function(message)
          messages.send { to = "+15559870001", number = "+15551234567", body = "Thanks!" }
        end }
        """,
        "count": """
        return { on = "message", when = { body = "count" }, run = function(message)
          message.conversation:increment("seen")
        end }
        """,
        "count_too": """
        return { on = "message", when = { body = "count" }, run = function(message)
          message.conversation:increment("seen")
          store.of(message.conversation).increment("seen")
        end }
        """,
        "tag": """
        return { on = "message", when = { body = "tag" }, run = function(message)
          message.conversation:tag { last = message.body }
        end }
        """,
    ]

    /// How many messages of one rule may go out in a minute.
    static let fuse = 3

    private struct Delivery {
        var event: ConversationEvent
        var participant: String
        var isAccepted = false
    }

    let seed: UInt64
    let clock = ManualClock()
    let api: SimulatedAPI
    let store: SQLiteStore
    let fault: RuleFault?
    private let executor: SeededExecutor
    private let folder: TemporaryFolder
    private let deliveries: Mutex<[Delivery]>

    init(seed: UInt64, fault: RuleFault? = nil) throws {
        self.seed = seed
        self.fault = fault
        executor = SeededExecutor(seed: seed)
        api = SimulatedAPI(seed: seed, clock: clock, executor: executor)
        store = try SQLiteStore.inMemory()
        folder = try TemporaryFolder()
        try folder.write("name: acme/photos\nversion: 1.0.0\n", to: "pack.yaml")
        for (name, text) in Self.rules { try folder.write(text, to: "rules/\(name).lua") }
        deliveries = Mutex([])
        for number in 1...3 {
            var conversation = Conversation.sample(Conversation.ID("conv_\(number)"))
            conversation.participant = "+1555987000\(number)"
            api.base.change { [conversation] in $0.conversations[conversation.id] = conversation }
        }
    }

    /// - Returns: The promises that were broken.
    func run() async throws -> [String] {
        defer { executor.stop() }
        return try await withTaskExecutorPreference(executor) {
            makeDeliveries()
            for _ in 0..<(1 + api.roll(3)) where !executor.hasSpun { try await life(dyingAfter: 1 + api.roll(150)) }
            api.becomeKind()
            try await life(dyingAfter: nil)
            if executor.hasSpun { api.violate("something goes round in circles") }
            try await audit()
            return api.violations
        }
    }

    /// The store as people see it, whichever process lives.
    private var look: SeededStore { SeededStore(base: store, executor: executor, lives: { true }) }

    /// What happened, in order.
    var story: [String] { api.story }

    private func makeDeliveries() {
        let words = ["hello", "hello", "count", "count", "tag", "tag", "cross", "STOP", "START"]
        for index in 0..<(5 + api.roll(8)) {
            let number = 1 + api.roll(2)
            let word = words[api.roll(words.count)]
            let body = word == word.lowercased() ? "\(word) \(index)" : word
            var event = ConversationEvent.message(
                body, id: Message.ID("msg_\(index)"), in: Conversation.ID("conv_\(number)"))
            let participant = "+1555987000\(number)"
            event.conversation.participant = participant
            event.message?.fromNumber = participant
            deliveries.withLock { [event] in $0.append(Delivery(event: event, participant: participant)) }
        }
    }

    // MARK: One life

    private func life(dyingAfter steps: Int?) async throws {
        api.begins()
        let (host, engine) = try await makeHost()
        let running = Task(executorPreference: executor) { try await engine.run() }
        if let steps { api.endsLife(after: steps) { running.cancel() } }
        await deliver(to: engine)
        for _ in 0..<400 where !isOver {
            await executor.quiet()
            if try await isAllOver(host, engine) { break }
            letTimePass()
        }
        engine.shutdown()
        try? await running.value
        withExtendedLifetime(host) {}
    }

    /// Whether nothing more comes of the life.
    private var isOver: Bool { api.isDead || executor.hasSpun }

    private func makeHost() async throws -> (RuleHost, Engine) {
        let loader = PackLoader()
        let book = RuleBook(archive: PackArchive())
        let fuses = Fuses(conversation: nil, rule: FuseRate(Self.fuse, per: .seconds(60)), number: nil, stops: nil)
        let host = RuleHost(
            api: api, book: book, loader: loader, media: NoMedia(),
            configuration: RuleHostConfiguration(policy: PolicyConfiguration(fuses: fuses)), clock: clock,
            now: { [clock] in clock.date }, logger: .silent)
        var configuration = EngineConfiguration()
        configuration.maintenanceInterval = nil
        let engine = Engine(
            store: SeededStore(base: store, executor: executor, lives: { [api] in api.lives() }),
            handler: SimulatedHost(base: host, fault: fault, executor: executor), configuration: configuration,
            clock: clock, now: { [clock] in clock.date }, random: { [api] in Double(api.roll(1000)) / 1000 },
            logger: .silent)
        host.connect(engine)
        let folder = PackFolder(folder.url)
        try await book.activate(try await executor.outside { () async throws in try await loader.load(folder) })
        return (host, engine)
    }

    private func deliver(to engine: Engine) async {
        let count = deliveries.withLock { $0.count }
        for index in 0..<count where !isOver {
            var delivery = deliveries.withLock { $0[index] }
            guard !delivery.isAccepted else { continue }
            // Nothing is on its way as a STOP comes, so whatever goes out after it began after it.
            await executor.quiet()
            let text = delivery.event.text
            delivery.event.message?.receivedAt = Timestamp(clock.date)
            api.tell("\(text) comes to \(delivery.event.conversation.id)")
            if text == "START" { api.hasStopped(delivery.participant, false) }
            guard let new = try? delivery.event.new(), (try? await engine.accept([new])) != nil else { return }
            if text == "STOP" { api.hasStopped(delivery.participant, true) }
            deliveries.withLock { $0[index].isAccepted = true }
            if api.roll(6) == 0, !api.isKind { api.toggleOutage() }
            for _ in 0..<api.roll(3) where !isOver {
                await executor.quiet()
                letTimePass()
            }
        }
    }

    private func letTimePass() {
        guard let next = clock.timeToNextDeadline else { return }
        clock.advance(by: max(next, .milliseconds(1)))
    }

    /// Decides what is left to people; returns whether nothing is left at all.
    private func isAllOver(_ host: RuleHost, _ engine: Engine) async throws -> Bool {
        var filter = InvocationFilter()
        filter.limit = 10_000
        filter.states = Set(InvocationState.allCases.filter { $0 != .finished })
        let open = try await look.invocations(filter).filter { $0.state != .failed || $0.failure?.code != "opted_out" }
        for run in open where run.state == .parked { try await decide(run, host, engine) }
        for run in open where run.state == .failed && api.isKind {
            _ = try? await engine.retry(run.id)
            await executor.quiet()
        }
        if api.isKind || api.roll(5) == 0 {
            for pause in try await look.pauses() {
                api.opensWindow()
                _ = try? await engine.resume(pause.subject)
            }
        }
        let events = try await look.events(EventFilter())
        return open.isEmpty && events.allSatisfy { !$0.state.isOpen }
    }

    /// A person looks at the phone: more of these messages arrived than are accounted for, or not.
    private func decide(_ run: Invocation, _ host: RuleHost, _ engine: Engine) async throws {
        // What was decided before is seen before the next decision.
        await executor.quiet()
        guard let entry = try await look.journal(of: run.id).last, entry.state == .unknown,
            let message = Text(of: entry)
        else {
            _ = try? await engine.retry(run.id)
            return
        }
        let accounted = try await accountedFor()[message] ?? 0
        let arrived = api.sent.count { $0.to == message.to && $0.body == message.body }
        api.tell("\(run.id): \(arrived) arrived, \(accounted) are accounted for")
        if arrived > accounted {
            _ = try? await host.resolveAsSent(run.id)
        } else {
            _ = try? await engine.resolve(run.id, .resend)
        }
    }

    // MARK: Audit

    /// A text to somebody.
    private struct Text: Hashable {
        var to: String
        var body: String

        init?(of entry: JournalEntry) {
            guard entry.name == RuleCommand.send.rawValue, let input = try? JSONValue(parsing: entry.input) else {
                return nil
            }
            to = input["to"]?.string ?? ""
            body = input["body"]?.string ?? ""
        }
    }

    /// How many sends of each text are known to have taken place.
    private func accountedFor() async throws -> [Text: Int] {
        var counts: [Text: Int] = [:]
        var filter = InvocationFilter()
        filter.limit = 10_000
        for run in try await look.invocations(filter) {
            for entry in try await look.journal(of: run.id) where entry.state == .succeeded {
                if let message = Text(of: entry) { counts[message, default: 0] += 1 }
            }
        }
        return counts
    }

    private func audit() async throws {
        var filter = InvocationFilter()
        filter.limit = 10_000
        let runs = try await look.invocations(filter)
        for run in runs where run.state != .finished && run.failure?.code != "opted_out" {
            api.violate("\(run.id) of \(run.rule) is \(run.state): \(run.reason ?? "")")
        }
        for delivery in deliveries.withLock({ $0 }) where !delivery.isAccepted {
            api.violate("\(delivery.event.text) was never accepted")
        }
        for event in try await look.events(EventFilter()) where event.state != .done {
            api.violate("event \(event.sequence) is \(event.state): \(event.note ?? "")")
        }
        try await auditSends()
        auditFuse()
        auditMetadata()
    }

    private func auditSends() async throws {
        let accounted = try await accountedFor()
        let arrived = api.sent.reduce(into: [String: Int]()) { $0["\($1.to) \($1.body)", default: 0] += 1 }
        for (message, count) in accounted {
            let place = "\(message.to) \(message.body)"
            guard arrived[place] != count else { continue }
            api.violate(
                "\"\(message.body)\" went to \(message.to) \(arrived[place] ?? 0) times, the journals say \(count)")
        }
        let known = Set(accounted.keys.map { "\($0.to) \($0.body)" })
        for place in arrived.keys where !known.contains(place) { api.violate("\(place) is in no journal") }
    }

    /// In no minute did a rule send more than its fuse lets through, until somebody said that it may.
    private func auditFuse() {
        let sent = api.sent.filter { $0.body.hasPrefix("Hi, ") || $0.body.hasPrefix("Still there, ") }
        for first in sent {
            let window = sent.filter {
                $0.window == first.window && $0.at >= first.at && $0.at < first.at.addingTimeInterval(60)
            }
            if window.count > Self.fuse { api.violate("\(window.count) messages in a minute from \(first.at)") }
        }
    }

    private func auditMetadata() {
        let events = deliveries.withLock { $0.map(\.event) }
        for conversation in Set(events.map(\.conversation.id)) {
            let texts = events.filter { $0.conversation.id == conversation }.map(\.text)
            let metadata = api.base.metadata(of: conversation) ?? [:]
            let counted = Int64(texts.count { $0.hasPrefix("count") } * 2)
            if metadata["seen"] ?? 0 != .integer(counted) {
                api.violate("\(conversation) counted \(metadata["seen"] ?? 0), not \(counted)")
            }
            let last = texts.last { $0.hasPrefix("tag") }
            if metadata["last"]?.string != last {
                api.violate("\(conversation) is tagged \(metadata["last"] ?? .null), not \(last ?? "at all")")
            }
        }
    }
}
