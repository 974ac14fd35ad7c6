import Conversations
import Lua

/// The fields by which rules see the API's things: the API's names in snake_case.

extension Message {
    var ruleFields: JSONValue {
        let fields: [String: JSONValue?] = [
            "id": .string(id.rawValue), "body": .string(body), "from_number": .string(fromNumber),
            "to_number": .string(toNumber), "direction": .string(direction.rawValue),
            "channel": channel.map { .string($0.rawValue) }, "media_url": mediaURL.map(JSONValue.string),
            "media_urls": .array(mediaURLs.map(JSONValue.string)), "received_at": .string(receivedAt.description),
            "sender_identifier": senderIdentifier.map(JSONValue.string),
            "attachments": .attachments(mediaURLs),
            "reactions": .array(reactions.map(\.ruleFields)),
        ]
        return .object(fields.compactMapValues { $0 })
    }
}

extension JSONValue {
    /// Attachments whose kind is judged by their names alone.
    static func attachments(_ urls: [String]) -> JSONValue {
        .array(urls.map { ["url": .string($0), "kind": .string((MediaKind(url: $0) ?? .file).rawValue)] })
    }
}

extension MessageReaction {
    var ruleFields: JSONValue {
        [
            "id": .string(id.rawValue), "reaction_type": .string(reactionType.rawValue),
            "from_number": .string(fromNumber), "direction": .string(direction.rawValue),
            "created_at": .string(createdAt.description),
        ]
    }
}

extension Conversation {
    var ruleFields: JSONValue {
        let fields: [String: JSONValue?] = [
            "id": .string(id.rawValue), "agent": agentID.map(JSONValue.string),
            "number_id": .string(phoneNumberID), "number": .string(phoneNumber),
            "participant": .string(participant), "message_count": .integer(Int64(messageCount)),
            "last_message_at": lastMessageAt.map { .string($0.description) },
            "metadata": .object(metadata ?? [:]), "created_at": .string(createdAt.description),
        ]
        return .object(fields.compactMapValues { $0 })
    }
}

extension ConversationEvent {
    /// The argument with which a rule is run.
    var ruleArgument: LuaValue {
        switch kind {
        case .message: messageArgument
        case .reaction: reactionArgument
        case .callEnded:
            .instance(type: "call", fields: callFields)
        }
    }

    private var conversationArgument: LuaValue {
        let fields: [String: JSONValue?] = [
            "id": .string(conversation.id.rawValue), "participant": .string(conversation.participant),
            "number": .string(conversation.number), "number_id": conversation.numberID.map(JSONValue.string),
            "agent": conversation.agent.map(JSONValue.string), "metadata": .object(conversation.metadata ?? [:]),
        ]
        return .conversation(.object(fields.compactMapValues { $0 }))
    }

    private var messageArgument: LuaValue {
        guard let message else { return .nil }
        let urls = message.attachments.map { JSONValue.string($0.url) }
        let fields: [String: JSONValue?] = [
            "id": message.id.map { .string($0.rawValue) }, "body": .string(message.body),
            "from_number": .string(message.fromNumber), "to_number": .string(message.toNumber),
            "direction": .string(message.direction.rawValue), "channel": message.channel.map { .string($0.rawValue) },
            "media_url": urls.first, "media_urls": .array(urls),
            "received_at": .string(message.receivedAt.description),
            "sender_identifier": message.senderIdentifier.map(JSONValue.string),
            "attachments": .array(
                message.attachments.map { attachment in
                    ["url": .string(attachment.url), "kind": .string((attachment.kind ?? .file).rawValue)]
                }),
        ]
        return Self.instance("message", fields, conversationArgument)
    }

    private var reactionArgument: LuaValue {
        guard let reaction else { return .nil }
        let message: [String: JSONValue?] = [
            "id": .string(reaction.messageID.rawValue), "body": .string(reaction.messageBody ?? ""),
            "media_url": reaction.messageMediaURL.map(JSONValue.string),
            "channel": reaction.channel.map { .string($0.rawValue) },
        ]
        let fields: [String: JSONValue?] = [
            "reaction_type": .string(reaction.reactionType.rawValue), "from_number": .string(reaction.fromNumber),
            "direction": .string(reaction.direction.rawValue),
            "channel": reaction.channel.map { .string($0.rawValue) },
            "message_id": .string(reaction.messageID.rawValue),
            "message_body": reaction.messageBody.map(JSONValue.string),
            "message_media_url": reaction.messageMediaURL.map(JSONValue.string),
            "created_at": .string(reaction.createdAt.description),
        ]
        guard case .instance(let type, var all) = Self.instance("reaction", fields, conversationArgument) else {
            return .nil
        }
        all["message"] = Self.instance("message", message, conversationArgument)
        return .instance(type: type, fields: all)
    }

    private var callFields: [String: LuaValue] {
        (call?.members ?? [:]).reduce(into: [:]) { fields, member in
            fields[Self.snakeCase(member.key)] = LuaValue(Self.snakeCase(member.value))
        }
    }

    /// The value with all keys within it in snake_case.
    private static func snakeCase(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            .object(
                members.reduce(into: [:]) { fields, member in
                    fields[snakeCase(member.key)] = snakeCase(member.value)
                })
        case .array(let items): .array(items.map(snakeCase))
        default: value
        }
    }

    private static func instance(
        _ type: String, _ fields: [String: JSONValue?], _ conversation: LuaValue
    ) -> LuaValue {
        var fields = fields.compactMapValues { $0.map(LuaValue.init) }
        fields["conversation"] = conversation
        return .instance(type: type, fields: fields)
    }

    /// `durationSeconds` as `duration_seconds`.
    static func snakeCase(_ name: String) -> String {
        name.reduce(into: "") { text, character in
            if character.isUppercase { text += "_" + character.lowercased() } else { text.append(character) }
        }
    }
}
