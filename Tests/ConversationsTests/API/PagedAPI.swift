import Conversations
import Synchronization

/// Conversations and messages in memory, paged as the API pages them.
final class PagedAPI: ConversationAPI {
    struct Request: Hashable {
        var limit: Int
        var offset: Int?
        var before: Timestamp?
    }

    struct State {
        var conversations: [Conversation] = []
        /// Newest first.
        var messages: [Message] = []
        var requests: [Request] = []
        var error: APIError?

        /// Puts a conversation that became active where the API lists it.
        mutating func touch(_ id: Conversation.ID, at time: Timestamp) {
            guard let index = conversations.firstIndex(where: { $0.id == id }) else { return }
            var conversation = conversations.remove(at: index)
            conversation.lastMessageAt = time
            conversations.insert(conversation, at: 0)
        }
    }

    private let state: Mutex<State>
    private let printsWholeSeconds: Bool
    private let isOldestFirstInPage: Bool
    private let beforePage: @Sendable (inout State) -> Void

    /// - Parameters:
    ///   - printsWholeSeconds: Whether fractions are kept, but not shown.
    ///   - isOldestFirstInPage: Whether a page is turned round.
    ///   - beforePage: What happens meanwhile; called before each request, which is the last of `requests`.
    init(
        _ state: State, printsWholeSeconds: Bool = false, isOldestFirstInPage: Bool = false,
        beforePage: @escaping @Sendable (inout State) -> Void = { _ in }
    ) {
        self.state = Mutex(state)
        self.printsWholeSeconds = printsWholeSeconds
        self.isOldestFirstInPage = isOldestFirstInPage
        self.beforePage = beforePage
    }

    var requests: [Request] { state.withLock { $0.requests } }

    func conversations(limit: Int, offset: Int) async throws(APIError) -> ConversationPage {
        let state = try record(Request(limit: limit, offset: offset))
        let page = state.conversations.dropFirst(offset).prefix(limit)
        return ConversationPage(
            data: Array(page), hasMore: offset + page.count < state.conversations.count,
            total: state.conversations.count)
    }

    func messages(
        in id: Conversation.ID, limit: Int, before: Timestamp?, after: Timestamp?
    ) async throws(APIError) -> MessagePage {
        let state = try record(Request(limit: limit, before: before))
        let eligible = state.messages.filter { message in
            before.map { message.receivedAt < $0 } ?? true && after.map { message.receivedAt > $0 } ?? true
        }
        var page = eligible.prefix(limit).map(printed)
        if isOldestFirstInPage { page.reverse() }
        return MessagePage(data: page, hasMore: eligible.count > limit)
    }

    private func printed(_ message: Message) -> Message {
        guard printsWholeSeconds else { return message }
        var message = message
        message.receivedAt = Timestamp(microseconds: message.receivedAt.microseconds / 1_000_000 * 1_000_000)
        return message
    }

    private func record(_ request: Request) throws(APIError) -> State {
        let state = self.state.withLock { state in
            state.requests.append(request)
            beforePage(&state)
            return state
        }
        if let error = state.error { throw error }
        return state
    }

    private func refuse() -> APIError { APIError(.notImplemented, "only pages are served") }

    func conversation(_ id: Conversation.ID, messageLimit: Int) async throws(APIError) -> ConversationDetail {
        throw refuse()
    }
    func update(
        _ id: Conversation.ID, with update: ConversationUpdate
    ) async throws(APIError) -> ConversationDetail { throw refuse() }
    func send(_ message: OutboundMessage) async throws(APIError) -> SentMessage { throw refuse() }
    func react(to id: Message.ID, with reaction: ReactionType) async throws(APIError) -> ReactionReceipt {
        throw refuse()
    }
    func showTyping(in id: Conversation.ID) async throws(APIError) -> TypingReceipt { throw refuse() }
    func webhook() async throws(APIError) -> Webhook? { throw refuse() }
    func setWebhook(_ request: WebhookRequest) async throws(APIError) -> Webhook { throw refuse() }
    func deleteWebhook() async throws(APIError) { throw refuse() }
}
