import Conversations
import DurableExecution
import Foundation
import Synchronization

/// Looks whether a send or reaction whose outcome is unknown took place. Only finding it is an answer.
final class EffectSearch: Sendable {
    /// How far the API's clock may be behind this host's.
    private static let clockTolerance: Duration = .seconds(30)

    /// Claims remembered until their outcomes are surely on disk, where ``RuleHost/produces(_:outcome:)`` names them.
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
            self.remember(sent.id, for: FuseBox.Effect(context))
            return sent
        }
    }

    /// Looks for a send or reaction; what is found has the outcome that the command itself would have had.
    ///
    /// - Throws: ``APIError``, ``EngineError``.
    func sighting(of kind: RuleCommand, _ input: JSONValue, in context: CommandContext) async throws -> Sighting {
        let outcome: JSONValue?
        do {
            switch kind {
            case .send:
                outcome = try await sends.withLock(Self.lockKey(input)) { try await self.sentMessage(input, context) }
            case .react: outcome = try await reaction(input, context)
            default: return .unknowable
            }
        } catch let error as APIError where error.code == .notFound {
            return .notFound
        }
        return try outcome.map { .tookPlace(outcome: try $0.text()) } ?? .notFound
    }

    private static func lockKey(_ input: JSONValue) -> String {
        "\(ParticipantAddress.spelling(of: input["to"]?.string ?? "")) \(input["body"]?.string ?? "")"
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
        for candidate in candidates.sorted(by: { $0.receivedAt < $1.receivedAt }) {
            guard try await !isTaken(candidate.id, context), claim(candidate.id, for: FuseBox.Effect(context)) else {
                continue
            }
            return candidate.sendOutcome(in: conversation)
        }
        return nil
    }

    private func intent(_ context: CommandContext) async throws(EngineError) -> Date {
        let trace = try await link.engine?.trace(ofInvocation: context.invocation.id)
        return trace?.entries.first { $0.position == context.position }?.intendedAt ?? context.invocation.createdAt
    }

    private func conversation(of input: JSONValue) async throws(APIError) -> Conversation.ID? {
        if let id = input["conversation_id"]?.string { return Conversation.ID(id) }
        let participant = ParticipantAddress.spelling(of: input["to"]?.string ?? "")
        let number = (input["number"]?.string).map(ParticipantAddress.spelling)
        // Sorted by activity: one that was just written to is at the top.
        let page = try await api.conversations(limit: 100, offset: 0)
        return page.data.first { conversation in
            ParticipantAddress.spelling(of: conversation.participant) == participant
                && (number.map { $0 == ParticipantAddress.spelling(of: conversation.phoneNumber) }
                    ?? (conversation.agentID == input["agent_id"]?.string))
        }?.id
    }

    /// Whether the message is known to be the outcome of another send: of an earlier one of the same run, or of any other
    /// run, in this process or one before.
    private func isTaken(_ id: Message.ID, _ context: CommandContext) async throws(EngineError) -> Bool {
        guard let engine = link.engine else { return false }
        let producer = try await engine.producer(of: EventIdentity.message(id))
        guard producer == context.invocation.id else { return producer != nil }
        return try await engine.journal(ofInvocation: context.invocation.id).contains { entry in
            guard entry.position != context.position, entry.name == RuleCommand.send.rawValue else { return false }
            return entry.outcome.flatMap { try? JSONValue(parsing: $0) }?["id"]?.string == id.rawValue
        }
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
