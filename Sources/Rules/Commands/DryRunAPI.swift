import Conversations
import Foundation
import Synchronization

/// The API with its effects left out: reads go through, effects are answered as if they had happened.
///
/// Metadata that were "written" are read back, so that a rule goes on as it would.
final class DryRunAPI: ConversationAPI {
    /// Stands where the API's answer says what became of a message.
    static let status = "not performed (dry run)"

    /// Conversations whose metadata are remembered; past it all are forgotten.
    private static let memoryLimit = 50_000

    private struct State {
        /// Nil inside for metadata that were cleared.
        var metadata: [Conversation.ID: Metadata?] = [:]
        var lastID = 0
    }

    private let api: any ConversationAPI
    private let run = String(UInt32.random(in: 0 ... .max), radix: 36)
    private let state = Mutex(State())

    init(_ api: any ConversationAPI) { self.api = api }

    private func newID() -> String {
        state.withLock { state in
            state.lastID += 1
            return "dry_\(run)_\(state.lastID)"
        }
    }

    private func shown(_ conversation: Conversation) -> Conversation {
        guard let metadata = state.withLock({ $0.metadata[conversation.id] }) else { return conversation }
        var conversation = conversation
        conversation.metadata = metadata
        return conversation
    }

    // MARK: Reads

    func conversations(limit: Int, offset: Int) async throws(APIError) -> ConversationPage {
        var page = try await api.conversations(limit: limit, offset: offset)
        page.data = page.data.map(shown)
        return page
    }

    func conversation(_ id: Conversation.ID, messageLimit: Int) async throws(APIError) -> ConversationDetail {
        var detail = try await api.conversation(id, messageLimit: messageLimit)
        detail.conversation = shown(detail.conversation)
        return detail
    }

    func messages(
        in id: Conversation.ID, limit: Int, before: Timestamp?, after: Timestamp?
    ) async throws(APIError) -> MessagePage {
        try await api.messages(in: id, limit: limit, before: before, after: after)
    }

    func webhook() async throws(APIError) -> Webhook? { try await api.webhook() }

    // MARK: Effects

    func update(
        _ id: Conversation.ID, with update: ConversationUpdate
    ) async throws(APIError) -> ConversationDetail {
        // So that a conversation that isn't there fails as it would.
        let present = try await api.conversation(id, messageLimit: 1)
        state.withLock { state in
            if state.metadata.count >= Self.memoryLimit { state.metadata = [:] }
            switch update.metadata {
            case .unchanged: break
            case .cleared: state.metadata[id] = .some(nil)
            case .replaced(let metadata): state.metadata[id] = metadata
            }
        }
        return ConversationDetail(conversation: shown(present.conversation), messages: present.messages)
    }

    func send(_ message: OutboundMessage) async throws(APIError) -> SentMessage {
        SentMessage(
            id: Message.ID(newID()), status: Self.status, channel: nil, fromNumber: message.fromNumber,
            toNumber: message.toNumber, conversationID: nil, mediaURLs: message.mediaURLs ?? [])
    }

    func react(to id: Message.ID, with reaction: ReactionType) async throws(APIError) -> ReactionReceipt {
        ReactionReceipt(id: MessageReaction.ID(newID()), reactionType: reaction, messageID: id, channel: nil)
    }

    func showTyping(in id: Conversation.ID) async throws(APIError) -> TypingReceipt {
        TypingReceipt(conversationID: id, channel: nil, status: Self.status)
    }

    func setWebhook(_ request: WebhookRequest) async throws(APIError) -> Webhook {
        throw APIError(.notImplemented, "a dry run sets no webhook")
    }

    func deleteWebhook() async throws(APIError) {
        throw APIError(.notImplemented, "a dry run deletes no webhook")
    }
}
