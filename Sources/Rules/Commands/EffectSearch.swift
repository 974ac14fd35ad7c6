import Conversations
import DurableExecution
import Foundation
import Synchronization

/// Looks whether a send or reaction whose outcome is unknown took place. Only finding it is an answer.
final class EffectSearch: Sendable {
    /// How far the API's clock may be behind this host's.
    private static let clockTolerance: Duration = .seconds(30)

    /// Runs of a conversation whose sends are looked through, newest first.
    private static let searchDepth = 500

    /// Claims remembered until their outcomes are surely on disk.
    private static let memoryLimit = 10_000

    private let api: any ConversationAPI
    private let link: EngineLink
    private let contents: EventContents
    private let sends = KeyedLock<String>()
    private let claims = Mutex<[Message.ID: FuseBox.Effect]>([:])

    init(api: any ConversationAPI, contents: EventContents, link: EngineLink) {
        self.api = api
        self.contents = contents
        self.link = link
    }

    /// Performs a send while nobody looks for one like it: its message must not be taken for theirs.
    func sending(
        _ input: JSONValue, in context: CommandContext, _ send: @escaping @Sendable () async throws -> SentMessage
    ) async throws -> SentMessage {
        try await sends.withLock(Self.lockKey(input)) {
            let sent = try await send()
            self.remember(sent.id, for: Self.effect(context))
            return sent
        }
    }

    /// - Returns: The outcome as the command itself would have had it; nil if nothing was found.
    /// - Throws: ``APIError``, ``EngineError``.
    func outcome(of kind: RuleCommand, _ input: JSONValue, in context: CommandContext) async throws -> JSONValue? {
        switch kind {
        case .send: try await sends.withLock(Self.lockKey(input)) { try await self.sentMessage(input, context) }
        case .react: try await reaction(input, context)
        default: nil
        }
    }

    private static func lockKey(_ input: JSONValue) -> String {
        "\(ParticipantAddress(input["to"]?.string ?? "")) \(input["body"]?.string ?? "")"
    }

    private static func effect(_ context: CommandContext) -> FuseBox.Effect {
        FuseBox.Effect(invocation: context.invocation.id, position: context.position)
    }

    // MARK: Messages

    /// The oldest outbound message with the same text and as many attachments (the API hosts copies, so their URLs may
    /// differ) since the intent, unless it is known to be another command's.
    private func sentMessage(_ input: JSONValue, _ context: CommandContext) async throws -> JSONValue? {
        guard let conversation = try await conversation(of: input) else { return nil }
        let intent = try await intent(context)
        let after = Timestamp(intent).advanced(by: .zero - Self.clockTolerance)
        let body = input["body"]?.string ?? ""
        let mediaCount = input["media"]?.strings.count ?? 0
        var candidates: [Message] = []
        for try await message in api.messages(in: conversation, after: after)
        where message.direction == .outbound && message.body == body && message.mediaURLs.count == mediaCount {
            candidates.append(message)
        }
        guard !candidates.isEmpty else { return nil }
        let taken = try await sentIDs(in: [conversation.rawValue, context.invocation.queue], since: intent)
        return candidates.sorted { $0.receivedAt < $1.receivedAt }
            .first { !taken.contains($0.id) && claim($0.id, for: Self.effect(context)) }?
            .sendOutcome(in: conversation)
    }

    private func intent(_ context: CommandContext) async throws(EngineError) -> Date {
        let trace = try await link.engine?.trace(ofInvocation: context.invocation.id)
        return trace?.entries.first { $0.position == context.position }?.intendedAt ?? context.invocation.createdAt
    }

    private func conversation(of input: JSONValue) async throws(APIError) -> Conversation.ID? {
        if let id = input["conversation_id"]?.string { return Conversation.ID(id) }
        let participant = ParticipantAddress(input["to"]?.string ?? "")
        let number = (input["number"]?.string).map(ParticipantAddress.init)
        // Sorted by activity: one that was just written to is at the top.
        let page = try await api.conversations(limit: 100, offset: 0)
        return page.data.first { conversation in
            ParticipantAddress(conversation.participant) == participant
                && (number.map { $0 == ParticipantAddress(conversation.phoneNumber) }
                    ?? (conversation.agentID == input["agent_id"]?.string))
        }?.id
    }

    /// The messages that are known to be the outcomes of sends by runs of these queues.
    private func sentIDs(in queues: Set<String>, since time: Date) async throws(EngineError) -> Set<Message.ID> {
        guard let engine = link.engine else { return [] }
        let start = time.addingTimeInterval(-(Self.clockTolerance / .seconds(1)))
        var ids: Set<Message.ID> = []
        for queue in queues {
            var filter = InvocationFilter()
            filter.queue = queue
            filter.limit = Self.searchDepth
            for invocation in try await engine.invocations(filter)
            where invocation.updatedAt >= start || invocation.state == .running {
                for entry in try await engine.trace(ofInvocation: invocation.id).entries
                where entry.name == RuleCommand.send.rawValue {
                    let outcome = entry.outcome.flatMap { try? JSONValue(parsing: $0) }
                    if let id = outcome?["id"]?.string { ids.insert(Message.ID(id)) }
                }
            }
        }
        return ids
    }

    private func claim(_ id: Message.ID, for effect: FuseBox.Effect) -> Bool {
        claims.withLock { claims in
            if let holder = claims[id] { return holder == effect }
            claims[id] = effect
            return true
        }
    }

    private func remember(_ id: Message.ID, for effect: FuseBox.Effect) {
        claims.withLock { claims in
            if claims.count >= Self.memoryLimit { claims = [:] }
            claims[id] = effect
        }
    }

    // MARK: Reactions

    private func reaction(_ input: JSONValue, _ context: CommandContext) async throws -> JSONValue? {
        let id = Message.ID(input["message_id"]?.string ?? "")
        let type = ReactionType(rawValue: input["reaction"]?.string ?? "")
        guard let message = try await message(id, input, try contents.content(of: context.event)),
            let found = message.reactions.first(where: { $0.direction == .outbound && $0.reactionType == type })
        else { return nil }
        return [
            "id": .string(found.id.rawValue), "reaction_type": .string(type.rawValue),
            "message_id": .string(id.rawValue),
        ]
    }

    /// The API gives no single message, so it is looked for where it should be.
    private func message(
        _ id: Message.ID, _ input: JSONValue, _ trigger: ConversationEvent
    ) async throws(APIError) -> Message? {
        let isTrigger = trigger.message?.id == id
        guard isTrigger || input["conversation_id"]?.string != nil else { return nil }
        let time = isTrigger ? trigger.message?.receivedAt : nil
        let page = try await api.messages(
            in: isTrigger ? trigger.conversation.id : input.conversationID, limit: 200,
            before: time?.advanced(by: .seconds(2)), after: time?.advanced(by: .seconds(-2)))
        return page.data.first { $0.id == id }
    }
}

extension Message {
    /// What the send of this message would have had for its outcome.
    fileprivate func sendOutcome(in conversation: Conversation.ID) -> JSONValue {
        let fields: [String: JSONValue?] = [
            "id": .string(id.rawValue), "body": .string(body), "direction": "outbound",
            "from_number": .string(fromNumber), "to_number": .string(toNumber),
            "channel": channel.map { .string($0.rawValue) }, "media_url": mediaURLs.first.map(JSONValue.string),
            "media_urls": .array(mediaURLs.map(JSONValue.string)), "attachments": .attachments(mediaURLs),
            "status": "sent", "conversation_id": .string(conversation.rawValue),
        ]
        return .object(fields.compactMapValues { $0 })
    }
}
