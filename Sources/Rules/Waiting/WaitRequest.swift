import Conversations
import DurableExecution
import Foundation
import Lua

/// What a rule waits for in a conversation: a reply, a reaction, or whichever comes first.
struct WaitRequest: Sendable, Hashable {
    var conversation: Conversation.ID
    /// Nil where no reply ends the wait.
    var reply: Filter?
    /// Nil where no reaction ends the wait.
    var reaction: Filter?
    /// The message whose reactions count; nil for any.
    var message: Message.ID?
    var timeout: Duration?
    var isExclusive: Bool

    /// Adds to a wait's input what the rule's event implies: the conversation, and in a group whose reply is meant.
    static func completed(_ input: JSONValue, by event: ConversationEvent) -> JSONValue {
        var fields = input.members
        if fields["conversation_id"]?.string == nil {
            fields["conversation_id"] = .string(event.conversation.id.rawValue)
        }
        if var reply = fields["reply"]?.members {
            if reply["from"] == nil, let sender = event.message?.senderIdentifier { reply["from"] = .string(sender) }
            if reply["from"] == "anyone" { reply["from"] = nil }
            fields["reply"] = .object(reply)
        }
        return .object(fields)
    }

    /// Reads a wait's input.
    ///
    /// - Throws: ``LuaHostError`` for a filter that is wrong.
    init(_ input: JSONValue) throws(LuaHostError) {
        conversation = input.conversationID
        reply = try Self.filter(input["reply"], for: .message)
        reaction = try Self.filter(input["reaction"], for: .reaction)
        message = input["message_id"]?.string.map { Message.ID($0) }
        timeout = input["timeout"]?.double.map { .seconds(min($0, 1e10)) }
        isExclusive = input["exclusive"] == true
    }

    private static func filter(
        _ input: JSONValue?, for trigger: ConversationEvent.Kind
    ) throws(LuaHostError) -> Filter? {
        guard let input else { return nil }
        do {
            return try FilterReader(
                trigger: trigger, problem: { message, _ in RuleProblem(file: "", message: message) }
            ).read(LuaValue(input))
        } catch {
            throw LuaHostError(
                code: "bad_value", message: error.message.replacing("when.", with: "the wait's "), retryable: false)
        }
    }

    /// The engine's wait.
    var wait: Wait {
        let purpose =
            switch (reply, reaction) {
            case (_, nil): "a reply"
            case (nil, _): "a reaction"
            default: "a reply or a reaction"
            }
        return Wait(
            queue: conversation.rawValue, timeout: timeout, exclusive: isExclusive, purpose: purpose)
    }

    /// Whether an event ends the wait, as far as it can be told without Lua.
    func admits(_ event: ConversationEvent) -> Bool {
        switch event.kind {
        case .message: return reply.map { $0.refusal(of: event) == nil } ?? false
        case .reaction:
            guard let reaction, reaction.refusal(of: event) == nil else { return false }
            return message.map { $0 == event.reaction?.messageID } ?? true
        case .callEnded: return false
        }
    }

    /// The patterns that Lua has to judge besides.
    func patterns(for event: ConversationEvent) -> [String]? {
        event.kind == .message ? reply?.patterns : reaction?.patterns
    }
}
