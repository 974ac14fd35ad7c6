import Conversations
import Synchronization

/// The conversations API in memory, which remembers its calls and fails when told to.
final class FakeAPI: ConversationAPI {
    /// A call, by which failures are ordered.
    enum Call: String, Hashable, Sendable {
        case list, conversation, update, messages, send, react, typing
    }

    struct State: Sendable {
        var conversations: [Conversation.ID: Conversation] = [:]
        var messages: [Conversation.ID: [Message]] = [:]
        /// In words, such as `update conv_1`.
        var calls: [String] = []
        var sent: [OutboundMessage] = []
        var updates: [ConversationUpdate] = []
        /// Consumed one by one; nil lets a call pass.
        var failures: [Call: [APIError?]] = [:]
        /// As `failures`, but thrown after the effect took place.
        var lostAnswers: [Call: [APIError?]] = [:]
        var broken: [Conversation.ID: APIError] = [:]
        /// When sends and reactions turn up in what is read later; nil: they don't.
        var effectsAt: Timestamp?
        var nextID = 1
        /// Awaited within each send before anything is sent.
        var beforeSend: (@Sendable (OutboundMessage) async -> Void)?
        /// Called while a message waits for a connection.
        var beforeDeparture: (@Sendable () async -> Void)?
    }

    private let state = Mutex(State())
    private let beforeUpdate: @Sendable () async throws(APIError) -> Void

    /// - Parameter beforeUpdate: Awaited within each update before anything is changed; what it throws, the update throws.
    init(beforeUpdate: @escaping @Sendable () async throws(APIError) -> Void = {}) {
        self.beforeUpdate = beforeUpdate
    }

    var calls: [String] { state.withLock { $0.calls } }
    var sent: [OutboundMessage] { state.withLock { $0.sent } }
    var updates: [ConversationUpdate] { state.withLock { $0.updates } }

    func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result { state.withLock { body(&$0) } }

    func metadata(of id: Conversation.ID) -> Metadata? { state.withLock { $0.conversations[id]?.metadata } }

    func forgetCalls() { state.withLock { $0.calls = [] } }

    func fail(_ call: Call, _ errors: APIError?...) { state.withLock { $0.failures[call] = errors } }

    func loseAnswer(of call: Call, _ errors: APIError?...) { state.withLock { $0.lostAnswers[call] = errors } }

    private func begin(_ call: Call, _ words: String) throws(APIError) {
        let failure: APIError? = state.withLock { state in
            state.calls.append(words.isEmpty ? call.rawValue : "\(call.rawValue) \(words)")
            guard state.failures[call]?.isEmpty == false else { return nil }
            return state.failures[call]?.removeFirst()
        }
        if let failure { throw failure }
    }

    private func end(_ call: Call) throws(APIError) {
        let failure: APIError? = state.withLock { state in
            guard state.lostAnswers[call]?.isEmpty == false else { return nil }
            return state.lostAnswers[call]?.removeFirst()
        }
        if let failure { throw failure }
    }

    // MARK: The API

    func conversations(limit: Int, offset: Int) async throws(APIError) -> ConversationPage {
        try begin(.list, "\(limit) \(offset)")
        let all = state.withLock { state in
            state.conversations.values.sorted {
                ($0.lastMessageAt?.microseconds ?? 0, $1.id.rawValue) > (
                    $1.lastMessageAt?.microseconds ?? 0, $0.id.rawValue
                )
            }
        }
        let page = all.dropFirst(offset).prefix(limit)
        return ConversationPage(data: Array(page), hasMore: offset + page.count < all.count, total: all.count)
    }

    func conversation(_ id: Conversation.ID, messageLimit: Int) async throws(APIError) -> ConversationDetail {
        try begin(.conversation, "\(id)")
        return ConversationDetail(conversation: try found(id), messages: [])
    }

    func update(
        _ id: Conversation.ID, with update: ConversationUpdate
    ) async throws(APIError) -> ConversationDetail {
        try begin(.update, "\(id)")
        try await beforeUpdate()
        _ = try found(id)
        state.withLock { state in
            state.updates.append(update)
            switch update.metadata {
            case .unchanged: break
            case .cleared: state.conversations[id]?.metadata = nil
            case .replaced(let metadata): state.conversations[id]?.metadata = metadata
            }
        }
        try end(.update)
        return ConversationDetail(conversation: try found(id), messages: [])
    }

    func messages(
        in id: Conversation.ID, limit: Int, before: Timestamp?, after: Timestamp?
    ) async throws(APIError) -> MessagePage {
        try begin(.messages, "\(id)")
        _ = try found(id)
        let eligible = state.withLock { state in
            (state.messages[id] ?? [])
                .filter { before.map($0.receivedAt.isBefore) ?? true && after?.isBefore($0.receivedAt) ?? true }
                .sorted { $0.receivedAt > $1.receivedAt }
        }
        return MessagePage(data: Array(eligible.prefix(limit)), hasMore: eligible.count > limit)
    }

    func send(_ message: OutboundMessage) async throws(APIError) -> SentMessage {
        try begin(.send, "\(message.toNumber ?? "-"): \(message.body)")
        if let beforeSend = state.withLock({ $0.beforeSend }) { await beforeSend(message) }
        if let beforeDeparture = state.withLock({ $0.beforeDeparture }) {
            await beforeDeparture()
            do { try await LastLook.check?() } catch { throw APIError(.unavailable, "nothing was sent: \(error)") }
        }
        let id = state.withLock { state in
            state.sent.append(message)
            state.nextID += 1
            let id = Message.ID("sent_\(state.nextID - 1)")
            state.show(message, as: id)
            return id
        }
        try end(.send)
        return SentMessage(
            id: id, status: "sent", channel: .imessage, fromNumber: message.fromNumber ?? "+15550001111",
            toNumber: message.toNumber, conversationID: nil, mediaURLs: message.mediaURLs ?? [])
    }

    func react(to id: Message.ID, with reaction: ReactionType) async throws(APIError) -> ReactionReceipt {
        try begin(.react, "\(id) \(reaction)")
        state.withLock { $0.show(reaction, on: id) }
        try end(.react)
        return ReactionReceipt(id: "rxn_1", reactionType: reaction, messageID: id, channel: .imessage)
    }

    func showTyping(in id: Conversation.ID) async throws(APIError) -> TypingReceipt {
        try begin(.typing, "\(id)")
        return TypingReceipt(conversationID: id, channel: .imessage, status: "ok")
    }

    private func found(_ id: Conversation.ID) throws(APIError) -> Conversation {
        let (broken, found) = state.withLock { ($0.broken[id], $0.conversations[id]) }
        if let broken { throw broken }
        guard let found else { throw APIError(.notFound, "there is no conversation \(id)") }
        return found
    }

    func webhook() async throws(APIError) -> Webhook? { nil }
    func setWebhook(_ request: WebhookRequest) async throws(APIError) -> Webhook {
        throw APIError(.notImplemented, "no webhooks here")
    }
    func deleteWebhook() async throws(APIError) {}
}

extension FakeAPI.State {
    fileprivate mutating func show(_ sent: OutboundMessage, as id: Message.ID) {
        guard let time = effectsAt,
            let conversation = conversations.values.first(where: { $0.participant == sent.toNumber })
        else { return }
        let media = sent.mediaURLs?.map { $0.replacing("https://", with: "https://hosted.") } ?? []
        messages[conversation.id, default: []].append(
            .sample(id, sent.body, at: time, direction: .outbound, media: media))
    }

    fileprivate mutating func show(_ reaction: ReactionType, on id: Message.ID) {
        guard let time = effectsAt else { return }
        for conversation in messages.keys {
            guard let index = messages[conversation]?.firstIndex(where: { $0.id == id }) else { continue }
            messages[conversation]?[index].reactions.append(
                MessageReaction(
                    id: "rxn_1", reactionType: reaction, fromNumber: "+15551234567", direction: .outbound,
                    createdAt: time))
        }
    }
}

extension Timestamp {
    fileprivate func isBefore(_ other: Timestamp) -> Bool { self < other }
}
