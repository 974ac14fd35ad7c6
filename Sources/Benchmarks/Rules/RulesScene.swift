import Conversations
import DurableExecution
import Foundation
import Logging
import Packs
import Rules
import Synchronization

/// A host of rules with no API behind it.
struct RulesScene {
    let store: SQLiteStore
    private let host: RuleHost
    private let waits = Waits()

    /// - Parameters:
    ///   - rules: Lua texts by rule name.
    ///   - database: Where the store is; nil: in memory.
    init(rules: [String: String], database: String? = nil) async throws {
        let files = rules.map { ("rules/\($0.key).lua", Data($0.value.utf8)) }
        let pack = Pack(
            manifest: PackManifest(name: "bench/pack", version: "1.0.0"), files: Dictionary(uniqueKeysWithValues: files)
        )
        let book = RuleBook()
        try await book.activate(try await PackLoader().load(pack))
        store = if let database { try SQLiteStore(path: database) } else { try SQLiteStore.inMemory() }
        host = RuleHost(
            api: NoAPI(), book: book, loader: PackLoader(), media: NoMedia(), configuration: RuleHostConfiguration(),
            logger: Logger(label: "bench", factory: { _ in SwiftLogNoOpLogHandler() }))
        await host.retireStates()
    }

    /// So many rules, each for a word of its own.
    static func manyRules(_ count: Int) -> [String: String] {
        let rules = (0..<count).map { number in
            (
                "rule\(number)",
                "return { on = \"message\", when = { body = \"word\(number)\" }, run = function() store.get(\"k\") end }"
            )
        }
        return Dictionary(uniqueKeysWithValues: rules)
    }

    /// Runs `body` while an engine runs.
    ///
    /// - Parameter limit: How many waiting runs are kept; nil: the engine's default.
    func run<Value: Sendable>(
        keeping limit: Int? = nil, _ body: (Engine) async throws -> Value
    ) async throws -> Value {
        var configuration = EngineConfiguration()
        configuration.keptPrograms = limit ?? configuration.keptPrograms
        let engine = Engine(
            store: store, handler: host, observer: waits, configuration: configuration,
            logger: Logger(label: "bench", factory: { _ in SwiftLogNoOpLogHandler() }))
        host.connect(engine)
        return try await EngineScene.running(engine, body)
    }

    /// Accepts messages with the text of the sixth of ``manyRules(_:)``, each in a conversation of its own.
    func accept(_ count: Int, from first: Int, by engine: Engine) async throws {
        for start in stride(from: first, to: first + count, by: 1000) {
            _ = try await engine.accept(try (start..<min(start + 1000, first + count)).map(Self.event))
        }
    }

    /// How long each quarter of a loop with so many waits takes.
    func quarters(of rounds: Int) async throws -> [Duration] {
        var times = [ContinuousClock.now]
        for quarter in 1...4 {
            while waits.count < rounds / 4 * quarter { try await Task.sleep(for: .milliseconds(1)) }
            times.append(.now)
        }
        return zip(times.dropFirst(), times).map { $0 - $1 }
    }

    private static func event(_ number: Int) throws -> NewEvent {
        let time = Timestamp(Date())
        let content = ConversationEvent(
            kind: .message,
            conversation: ConversationEvent.Snapshot(
                id: Conversation.ID("conv_\(number)"), participant: "+15550100142", number: "+15550100100",
                numberID: "num_1", agent: "agt_1", metadata: [:], hasMetadata: true),
            message: ConversationEvent.MessageFields(
                id: Message.ID("msg_\(number)"), body: "It is word5 that I mean, not another one of the many words",
                fromNumber: "+15550100142", toNumber: "+15550100100", direction: .inbound, channel: .imessage,
                attachments: [], receivedAt: time))
        return NewEvent(
            identities: ["message:msg_\(number)"], queue: "conv_\(number)", kind: "message", source: "webhook",
            payload: try JSONEncoder().encode(content), occurredAt: time.date)
    }
}

/// Counts the waits of runs.
private final class Waits: EngineObserver {
    private let number = Atomic(0)

    var count: Int { number.load(ordering: .relaxed) }

    func observe(_ notice: EngineNotice) {
        if case .waiting = notice { number.add(1, ordering: .relaxed) }
    }
}

private struct NoMedia: MediaInspecting {
    func kind(of url: String) async -> MediaKind? { nil }
}

/// Has nothing.
private struct NoAPI: ConversationAPI {
    private var nothing: APIError { APIError(.notFound, "there is nothing here") }

    func conversations(limit: Int, offset: Int) async throws(APIError) -> ConversationPage { throw nothing }
    func conversation(_ id: Conversation.ID, messageLimit: Int) async throws(APIError) -> ConversationDetail {
        throw nothing
    }
    func update(_ id: Conversation.ID, with update: ConversationUpdate) async throws(APIError) -> ConversationDetail {
        throw nothing
    }
    func messages(
        in id: Conversation.ID, limit: Int, before: Timestamp?, after: Timestamp?
    ) async throws(APIError) -> MessagePage { throw nothing }
    func send(_ message: OutboundMessage) async throws(APIError) -> SentMessage { throw nothing }
    func react(to id: Message.ID, with reaction: ReactionType) async throws(APIError) -> ReactionReceipt {
        throw nothing
    }
    func showTyping(in id: Conversation.ID) async throws(APIError) -> TypingReceipt { throw nothing }
    func webhook() async throws(APIError) -> Webhook? { nil }
    func setWebhook(_ request: WebhookRequest) async throws(APIError) -> Webhook { throw nothing }
    func deleteWebhook() async throws(APIError) {}
}
