import Conversations
import DurableExecution

/// What a rule is about to do, to whom: as the host knows it, not as the rule says.
struct PolicyEffect: Sendable, Hashable {
    var kind: RuleCommand
    var rule: String
    var effect: FuseBox.Effect
    /// Nil where a message goes to somebody with whom no conversation is known.
    var conversation: Conversation.ID?
    /// In the one spelling of addresses, as the number.
    var participant: String?
    /// Nil where only an agent or an unknown number's id is named.
    var number: String?

    var pack: String { String(rule.prefix { $0 != ":" }) }

    /// Whether the participant gets something.
    var reachesParticipant: Bool { kind == .send || kind == .react || kind == .showTyping }

    /// Whether it can't be taken back, so that it counts for fuses.
    var isMessage: Bool { kind == .send || kind == .react }

    /// Whom an opt-out would be of. A group's members are not one person.
    var person: String? { participant.flatMap { ParticipantAddress($0)?.kind == .group ? nil : $0 } }
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
    let holders: MessageHolders

    init(api: any ConversationAPI, contents: EventContents, link: EngineLink) {
        self.api = api
        self.contents = contents
        self.link = link
        holders = MessageHolders(api: api)
    }

    /// - Throws: ``CommandFailure`` for an address that is none, and for a message of which nobody knows whose it is.
    func read(_ kind: RuleCommand, _ input: JSONValue, in context: CommandContext) async throws -> PolicyEffect {
        var effect = PolicyEffect(
            kind: kind, rule: context.invocation.rule,
            effect: FuseBox.Effect(invocation: context.invocation.id, position: context.position))
        let trigger = try contents.content(of: context.event)
        switch kind {
        case .send:
            effect.participant = try input.address("to").text
            effect.number = try senderNumber(input, trigger.conversation)
            let known = trigger.conversation
            if effect.participant == ParticipantAddress.spelling(of: known.participant),
                effect.number == nil || effect.number == ParticipantAddress.spelling(of: known.number)
            {
                effect.conversation = known.id
            } else {
                effect.conversation = input["conversation_id"]?.string.map { Conversation.ID($0) }
            }
        case .react:
            if let sent = holders.effect(thatSent: Message.ID(input["message_id"]?.string ?? "")) {
                (effect.participant, effect.number) = (sent.participant, sent.number)
                effect.conversation = sent.conversation
            } else {
                complete(&effect, try await holder(of: input, trigger))
            }
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
        effect.participant = (snapshot?.participant).map(ParticipantAddress.spelling)
        effect.number = (snapshot?.number).flatMap { $0.isEmpty ? nil : ParticipantAddress.spelling(of: $0) }
    }

    /// The API takes the number's id before the number, and the agent last.
    private func senderNumber(
        _ input: JSONValue, _ known: ConversationEvent.Snapshot
    ) throws(CommandFailure) -> String? {
        if let id = input["number_id"]?.string, !id.isEmpty {
            return id == known.numberID && !known.number.isEmpty
                ? ParticipantAddress.spelling(of: known.number) : nil
        }
        guard let number = input["number"]?.string, !number.isEmpty else { return nil }
        return try input.address("number").text
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
        // Whatever conversation the rule names, the reaction reaches whoever has the message.
        guard let named = input["conversation_id"]?.string,
            try await holders.holds(Conversation.ID(named), id)
        else {
            throw CommandFailure(
                code: "not_found",
                message: "message \(id) is not among the latest \(MessageHolders.depth) of conversation "
                    + "\(input["conversation_id"]?.string ?? "(none)"), so nobody knows whom a reaction to it would reach"
            )
        }
        return try await snapshot(of: Conversation.ID(named), trigger)
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

extension JSONValue {
    /// The address under `key`, in its one spelling.
    ///
    /// - Throws: ``CommandFailure`` if it is none: to guess whom it means would get around what that person asked for.
    func address(_ key: String) throws(CommandFailure) -> ParticipantAddress {
        let text = self[key]?.string ?? ""
        guard let address = ParticipantAddress(text) else {
            throw CommandFailure(
                code: "invalid_address",
                message: "`\(key)` is \"\(text.spelledOut)\", which is no address in a plain "
                    + "spelling: write a phone number as +15551234567, an e-mail address, a short code or a group's id")
        }
        return address
    }
}

extension String {
    /// With the code of each scalar that is not plain ASCII: two addresses that look alike are shown apart.
    fileprivate var spelledOut: String {
        unicodeScalars.prefix(200).map { scalar in
            (0x20..<0x7F).contains(scalar.value) ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
        }.joined()
    }
}
