import Conversations
import DurableExecution
import Foundation

/// Completes an event as it reaches the head of its queue: which message it is, what its media are, and what the
/// conversation's metadata is now.
struct EventPreparation: Sendable {
    /// How long a message that a payload told of is looked for before its event is given up.
    static let lookUpPatience: Duration = .seconds(120)

    let api: any ConversationAPI
    let metadata: MetadataWriter
    let media: any MediaInspecting
    /// Before this, another process may have written what this one doesn't know of.
    let startedAt: Date
    let now: @Sendable () -> Date
    /// Told of each event first of all: what a participant says about being written to counts even where the event then
    /// can't be completed.
    var note: @Sendable (ConversationEvent) async throws -> Void = { _ in }

    /// Whether the API has to be asked to prepare the event.
    func asksAPI(about content: ConversationEvent, _ event: Event, asksForFirst: Bool) -> Bool {
        guard content.kind != .callEnded else { return false }
        if let message = content.message, message.id == nil || asksForFirst { return true }
        return isIncomplete(content, event) && knownMetadata(of: content) == nil
    }

    /// - Parameter known: The event's content, if it was read already.
    func prepare(
        _ event: Event, claims: any IdentityClaims, asksForFirst: Bool, known: ConversationEvent? = nil
    ) async throws -> Preparation {
        do {
            var content = try known ?? JSON.decode(ConversationEvent.self, from: event.payload)
            try await note(content)
            if let duplicate = try await identify(&content, event, claims) { return duplicate }
            if content.kind != .callEnded {
                try await completeConversation(of: &content, event)
                await inspectMedia(of: &content)
                if asksForFirst { try await findWhetherFirst(&content) }
            }
            return .ready(payload: try JSON.encode(content))
        } catch let error as APIError {
            throw EngineFailure(error)
        } catch let error as DecodingError {
            throw EngineFailure(error.plainDescription, retryable: false)
        }
    }

    /// Finds the message that a payload without id tells of, and claims its id for the event.
    ///
    /// A candidate that another event has is this one's double if a poll or a payload with id brought that event. If
    /// it was found for another payload without id, then this payload tells of a further message, which is equal and
    /// may not be readable yet.
    ///
    /// - Returns: A duplicate, if the message belongs to another event already.
    private func identify(
        _ content: inout ConversationEvent, _ event: Event, _ claims: any IdentityClaims
    ) async throws -> Preparation? {
        guard let message = content.message, message.id == nil else { return nil }
        let candidates = try await candidates(for: message, in: content.conversation.id)
        var finder: Int64?
        for candidate in candidates {
            if case .heldBy(let other) = try await claims.claim(EventIdentity.finding(of: candidate.id)) {
                finder = other
                continue
            }
            guard case .heldBy(let holder) = try await claims.claim(EventIdentity.message(candidate.id)) else {
                content.message?.id = candidate.id
                return nil
            }
            return .duplicate(of: holder, reason: "the same message as event \(holder)")
        }
        let waited = Duration.seconds(now().timeIntervalSince(event.acceptedAt))
        if let finder, waited >= Self.lookUpPatience {
            return .duplicate(of: finder, reason: "the same message as event \(finder), told by another delivery")
        }
        throw EngineFailure(
            "the payload has no message id, and its message is not among those of conversation "
                + content.conversation.id.rawValue,
            retryable: waited < Self.lookUpPatience)
    }

    /// Messages that a payload may tell of, oldest first.
    private func candidates(
        for message: ConversationEvent.MessageFields, in id: Conversation.ID
    ) async throws -> [Message] {
        let page = try await api.messages(
            in: id, limit: 200, before: message.receivedAt.advanced(by: .seconds(2)),
            after: message.receivedAt.advanced(by: .seconds(-2)))
        return page.data.filter { EventIdentity.matches($0, message) }.sorted { $0.receivedAt < $1.receivedAt }
    }

    /// Reads the conversation anew where the event doesn't bring its metadata or number, or where the metadata may have
    /// changed since.
    private func completeConversation(of content: inout ConversationEvent, _ event: Event) async throws {
        let id = content.conversation.id
        guard isIncomplete(content, event) else { return }
        if let known = knownMetadata(of: content) {
            content.conversation.metadata = known
        } else {
            let conversation = try await api.conversation(id, messageLimit: 1).conversation
            content.conversation = ConversationEvent.Snapshot(conversation)
            content.conversation.metadata = conversation.metadata
        }
        content.conversation.hasMetadata = true
    }

    private func isIncomplete(_ content: ConversationEvent, _ event: Event) -> Bool {
        let written = metadata.lastWrite(to: content.conversation.id)
        let isStale = event.acceptedAt < startedAt || written.map { $0.at >= event.acceptedAt } ?? false
        return isStale || !content.conversation.hasMetadata || content.conversation.number.isEmpty
    }

    /// The metadata of an incomplete event's conversation, where nothing else is missing and it needn't be read.
    private func knownMetadata(of content: ConversationEvent) -> Metadata? {
        content.conversation.number.isEmpty ? nil : metadata.known(of: content.conversation.id)
    }

    private func inspectMedia(of content: inout ConversationEvent) async {
        guard let attachments = content.message?.attachments else { return }
        for (index, attachment) in attachments.enumerated() where attachment.kind == nil {
            let kind =
                if let kind = MediaKind(url: attachment.url) { kind } else { await media.kind(of: attachment.url) }
            content.message?.attachments[index].kind = kind ?? .file
        }
    }

    private func findWhetherFirst(_ content: inout ConversationEvent) async throws {
        guard let message = content.message else { return }
        // Times may be whole seconds, so one that came before may bear the same: then the API's order tells.
        let page = try await api.messages(
            in: content.conversation.id, limit: 200, before: message.receivedAt.advanced(by: .seconds(1)), after: nil)
        let isOldest = page.data.last.map { $0.id == message.id } ?? true
        content.isFirst = isOldest && !page.hasMore || !page.data.contains { $0.receivedAt <= message.receivedAt }
    }
}
