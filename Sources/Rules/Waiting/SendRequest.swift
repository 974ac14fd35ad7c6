import Conversations
import Lua

/// A send that lapses if its conversation's participant wrote in the meantime: a reminder.
enum SendRequest {
    /// The field of a send's input: `true` as the rule wrote it, the wait for a reply as it is journaled.
    static let unlessReply = "unless_reply"

    /// Adds to a send's input what counts as a reply.
    ///
    /// - Throws: ``LuaHostError`` for a message of which it can't be told to which conversation it belongs.
    static func completed(_ input: JSONValue, by event: ConversationEvent) throws(LuaHostError) -> JSONValue {
        guard input[unlessReply] == true else { return input }
        guard let conversation = conversation(of: input, event) else {
            throw LuaHostError(
                code: "bad_value",
                message: "messages.send: unless_reply needs the conversation, and this is not the event's; take "
                    + "conversations.get(id):send",
                retryable: false)
        }
        var fields = input.members
        fields[unlessReply] = WaitRequest.completed(
            ["conversation_id": .string(conversation), "reply": [:]], by: event)
        return .object(fields)
    }

    private static func conversation(of input: JSONValue, _ event: ConversationEvent) -> String? {
        if let id = input["conversation_id"]?.string { return id }
        func isSame(_ key: String, _ known: String) -> Bool {
            input[key]?.string.map { ParticipantAddress.spelling(of: $0) == ParticipantAddress.spelling(of: known) }
                ?? true
        }
        let known = event.conversation
        return isSame("to", known.participant) && isSame("number", known.number) ? known.id.rawValue : nil
    }
}
