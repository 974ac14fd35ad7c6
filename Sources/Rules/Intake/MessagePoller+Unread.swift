import Conversations
import DurableExecution

/// Conversations that could not be read alone, while the others could: each look tries them again, so that the place up
/// to which everything is known can move on.
extension MessagePoller {
    private static let unreadCursor = "poll:unread"
    private static let unreadLimit = 1000

    func unreadConversations() async throws(EngineError) -> Set<Conversation.ID> {
        let text = try await store.cursor(Self.unreadCursor) ?? ""
        return Set(text.split(separator: " ").map { Conversation.ID(String($0)) })
    }

    /// - Returns: False, with nothing set, if there are too many.
    func setUnreadConversations(_ ids: Set<Conversation.ID>) async throws(EngineError) -> Bool {
        guard ids.count <= Self.unreadLimit else { return false }
        let text = ids.isEmpty ? nil : ids.map(\.rawValue).sorted().joined(separator: " ")
        if text != (try await store.cursor(Self.unreadCursor)) {
            try await store.setCursor(Self.unreadCursor, to: text)
        }
        return true
    }

    /// - Returns: How many events were new, which conversations still can't be read, and why the first of them can't.
    /// - Throws: ``APIError`` that concerns more than one conversation, or ``EngineError``.
    func lookAgain(
        at ids: Set<Conversation.ID>, start: Timestamp
    ) async throws -> (found: Int, unread: Set<Conversation.ID>, failure: APIError?) {
        var found = 0
        var unread: Set<Conversation.ID> = []
        var failure: APIError?
        for id in ids.sorted(by: { $0.rawValue < $1.rawValue }) {
            do {
                guard let conversation = try await conversation(id), let last = conversation.lastMessageAt else {
                    continue
                }
                found += try await look(at: conversation, last: last, start: start)
            } catch let error as APIError where error.concernsOneConversation {
                unread.insert(id)
                failure = failure ?? error
            }
        }
        return (found, unread, failure)
    }
}
