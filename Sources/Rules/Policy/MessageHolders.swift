import Conversations
import DurableExecution
import Synchronization

/// Which messages a conversation holds, by the API's account. The API gives no single message, so they are looked for.
final class MessageHolders: Sendable {
    /// How many of a conversation's latest messages are looked through.
    static let depth = 1000

    private static let memoryLimit = 20_000

    private let api: any ConversationAPI
    private let known = Mutex<[Message.ID: Conversation.ID]>([:])
    /// What this process sent, which the API may not list yet.
    private let own = Mutex<[Message.ID: PolicyEffect]>([:])

    init(api: any ConversationAPI) { self.api = api }

    func sent(_ message: Message.ID, by effect: PolicyEffect) {
        own.withLock { own in
            if own.count >= Self.memoryLimit { own = [:] }
            own[message] = effect
        }
    }

    func effect(thatSent message: Message.ID) -> PolicyEffect? { own.withLock { $0[message] } }

    /// - Throws: ``CommandFailure`` if it can't be found out now.
    func holds(_ conversation: Conversation.ID, _ message: Message.ID) async throws(CommandFailure) -> Bool {
        if let holder = known.withLock({ $0[message] }) { return holder == conversation }
        var seen: [Message.ID] = []
        do throws(APIError) {
            for try await found in api.messages(in: conversation, pageSize: 200) {
                seen.append(found.id)
                if found.id == message || seen.count >= Self.depth { break }
            }
        } catch {
            guard error.code != .notFound else { return false }
            throw CommandFailure(error)
        }
        known.withLock { known in
            if known.count + seen.count > Self.memoryLimit { known = [:] }
            for id in seen { known[id] = conversation }
        }
        return seen.last == message
    }
}
