import Conversations
import DurableExecution

/// What a rule is about to do, to whom: as the host knows it, not as the rule says.
struct PolicyEffect: Sendable, Hashable {
    var kind: RuleCommand
    var rule: String
    var effect: FuseBox.Effect
    /// Nil where a message goes to somebody with whom no conversation is known.
    var conversation: Conversation.ID?
    var participant: ParticipantAddress?
    /// Nil where only an agent or an unknown number's id is named.
    var number: ParticipantAddress?

    var pack: String { String(rule.prefix { $0 != ":" }) }

    /// Whether the participant gets something.
    var reachesParticipant: Bool { kind == .send || kind == .react || kind == .showTyping }

    /// Whether it can't be taken back, so that it counts for fuses.
    var isMessage: Bool { kind == .send || kind == .react }
}

extension RuleCommand {
    /// Whether policy looks at it: whatever changes something outside of the host.
    var isEffect: Bool {
        switch self {
        case .tag, .untag, .increment, .setMetadata, .clearMetadata, .showTyping, .send, .react: true
        case .listConversations, .getConversation, .listMessages, .now, .waitReply, .waitReaction, .waitAny, .sleep,
            .storeGet, .storeSet, .storeIncrement, .storeCompareAndSet:
            false
        }
    }
}

/// Finds out whom an effect reaches.
///
/// The fields of a rule's objects are the rule's to change, so they are believed only where the API acts by them: a
/// message goes to the `to` that was named, a reaction to whoever has the message.
struct EffectReader: Sendable {
    let api: any ConversationAPI
    let contents: EventContents
    let link: EngineLink

    func read(_ kind: RuleCommand, _ input: JSONValue, in context: CommandContext) async throws -> PolicyEffect {
        var effect = PolicyEffect(
            kind: kind, rule: context.invocation.rule,
            effect: FuseBox.Effect(invocation: context.invocation.id, position: context.position))
        let trigger = try contents.content(of: context.event)
        switch kind {
        case .send:
            effect.participant = (input["to"]?.string).map(ParticipantAddress.init)
            effect.number = senderNumber(input, trigger.conversation)
            if effect.participant == ParticipantAddress(trigger.conversation.participant),
                effect.number == nil || effect.number == ParticipantAddress(trigger.conversation.number)
            {
                effect.conversation = trigger.conversation.id
            } else {
                effect.conversation = input["conversation_id"]?.string.map { Conversation.ID($0) }
            }
        case .react:
            complete(&effect, try await holder(of: input, trigger))
        case .showTyping:
            complete(&effect, try await snapshot(of: input.conversationID, trigger))
        default:
            // Metadata reach nobody, so no look-up is spent on whose they are.
            effect.conversation = input.conversationID
            if effect.conversation == trigger.conversation.id { complete(&effect, trigger.conversation) }
        }
        return effect
    }

    private func complete(_ effect: inout PolicyEffect, _ snapshot: ConversationEvent.Snapshot?) {
        effect.conversation = snapshot?.id
        effect.participant = (snapshot?.participant).map(ParticipantAddress.init)
        effect.number = (snapshot?.number).flatMap { $0.isEmpty ? nil : ParticipantAddress($0) }
    }

    /// The API takes the number's id before the number, and the agent last.
    private func senderNumber(_ input: JSONValue, _ known: ConversationEvent.Snapshot) -> ParticipantAddress? {
        if let id = input["number_id"]?.string, !id.isEmpty {
            return id == known.numberID && !known.number.isEmpty ? ParticipantAddress(known.number) : nil
        }
        return input["number"]?.string.flatMap { $0.isEmpty ? nil : ParticipantAddress($0) }
    }

    /// The conversation of the message that is reacted to.
    private func holder(
        of input: JSONValue, _ trigger: ConversationEvent
    ) async throws -> ConversationEvent.Snapshot? {
        let id = Message.ID(input["message_id"]?.string ?? "")
        if id == trigger.message?.id || id == trigger.reaction?.messageID { return trigger.conversation }
        if let event = try await link.engine?.event(identity: EventIdentity.message(id)),
            let content = try? contents.content(of: event)
        {
            return content.conversation
        }
        guard let conversation = input["conversation_id"]?.string else { return nil }
        return try await snapshot(of: Conversation.ID(conversation), trigger)
    }

    private func snapshot(
        of id: Conversation.ID, _ trigger: ConversationEvent
    ) async throws -> ConversationEvent.Snapshot? {
        if id == trigger.conversation.id { return trigger.conversation }
        do throws(APIError) {
            return ConversationEvent.Snapshot(try await api.conversation(id, messageLimit: 1).conversation)
        } catch {
            // What isn't there is nobody's; the effect itself says so.
            guard error.code != .notFound else { return nil }
            throw CommandFailure(error)
        }
    }
}
