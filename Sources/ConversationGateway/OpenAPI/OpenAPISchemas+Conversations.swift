extension OpenAPISchemas {
    static let conversations = #"""
        {
          "AgentConversation": {
            "type": "object",
            "required": [
              "id", "agentId", "phoneNumberId", "phoneNumber", "participant", "lastMessageAt",
              "lastMessagePreview", "messageCount", "createdAt"
            ],
            "properties": {
              "id": {"type": "string"}, "agentId": {"type": ["string", "null"]},
              "phoneNumberId": {"type": "string"}, "phoneNumber": {"type": "string"},
              "participant": {"type": "string"},
              "lastMessageAt": {"type": ["string", "null"], "format": "date-time"},
              "lastMessagePreview": {"type": ["string", "null"]}, "messageCount": {"type": "integer"},
              "createdAt": {"type": "string", "format": "date-time"}
            },
            "additionalProperties": false
          },
          "AgentConversationPage": {
            "type": "object", "required": ["data", "hasMore", "total"],
            "properties": {
              "data": {"type": "array", "items": {"$ref": "#/components/schemas/AgentConversation"}},
              "hasMore": {"type": "boolean"}, "total": {"type": "integer"}
            },
            "additionalProperties": false
          },
          "Anything": {"type": "object"},
          "Conversation": {
            "type": "object",
            "required": [
              "id", "agentId", "phoneNumberId", "phoneNumber", "participant", "lastMessageAt",
              "lastMessagePreview", "messageCount", "metadata", "createdAt"
            ],
            "properties": {
              "isGroup": {"type": "boolean"}, "groupId": {"type": "string"}, "groupName": {"type": ["string", "null"]},
              "groupIconUrl": {"type": ["string", "null"]},
              "participants": {"type": "array", "items": {"$ref": "#/components/schemas/GroupMember"}},
              "id": {"type": "string"}, "agentId": {"type": ["string", "null"]},
              "phoneNumberId": {"type": "string"}, "phoneNumber": {"type": "string"},
              "participant": {"type": "string"},
              "lastMessageAt": {"type": ["string", "null"], "format": "date-time"},
              "lastMessagePreview": {"type": ["string", "null"]}, "messageCount": {"type": "integer"},
              "metadata": {"type": ["object", "null"]},
              "createdAt": {"type": "string", "format": "date-time"}
            },
            "additionalProperties": false
          },
          "ConversationDetail": {
            "type": "object",
            "required": [
              "id", "agentId", "phoneNumberId", "phoneNumber", "participant", "lastMessageAt",
              "messageCount", "metadata", "createdAt", "messages"
            ],
            "properties": {
              "isGroup": {"type": "boolean"}, "groupId": {"type": "string"}, "groupName": {"type": ["string", "null"]},
              "groupIconUrl": {"type": ["string", "null"]},
              "participants": {"type": "array", "items": {"$ref": "#/components/schemas/GroupMember"}},
              "id": {"type": "string"}, "agentId": {"type": ["string", "null"]},
              "phoneNumberId": {"type": "string"}, "phoneNumber": {"type": "string"},
              "participant": {"type": "string"},
              "lastMessageAt": {"type": ["string", "null"], "format": "date-time"},
              "messageCount": {"type": "integer"}, "metadata": {"type": ["object", "null"]},
              "createdAt": {"type": "string", "format": "date-time"},
              "messages": {"type": "array", "items": {"$ref": "#/components/schemas/Message"}}
            },
            "additionalProperties": false
          },
          "ConversationPage": {
            "type": "object", "required": ["data", "hasMore", "total"],
            "properties": {
              "data": {"type": "array", "items": {"$ref": "#/components/schemas/Conversation"}},
              "hasMore": {"type": "boolean"}, "total": {"type": "integer"}
            },
            "additionalProperties": false
          },
          "ConversationUpdate": {"type": "object", "properties": {"group_name": {"type": ["string", "null"]},
          "metadata": {"type": ["object", "null"]}}},
          "Error": {
            "type": "object", "required": ["error", "detail"],
            "properties": {
              "error": {
                "type": "object", "required": ["message", "code", "type"],
                "properties": {
                  "message": {"type": "string"}, "code": {"type": "string"}, "type": {"type": "string"},
                  "details": {
                    "type": "array",
                    "items": {
                      "type": "object", "required": ["field", "message", "type"],
                      "properties": {
                        "field": {"type": "string"}, "message": {"type": "string"},
                        "type": {"type": "string"}
                      },
                      "additionalProperties": false
                    }
                  }
                },
                "additionalProperties": false
              },
              "detail": {"type": "string"}
            },
            "additionalProperties": false
          },
          "Health": {
            "type": "object", "required": ["status"], "properties": {"status": {"const": "ok"}},
            "additionalProperties": false
          },
          "GroupMember": {
            "type": "object", "required": ["identifier", "name"],
            "properties": {"identifier": {"type": "string"}, "name": {"type": ["string", "null"]}},
            "additionalProperties": false
          },
          "Message": {
            "type": "object",
            "required": [
              "id", "body", "fromNumber", "toNumber", "direction", "channel", "mediaUrl", "mediaUrls",
              "reactions", "receivedAt"
            ],
            "properties": {
              "id": {"type": "string"}, "body": {"type": "string"}, "fromNumber": {"type": "string"},
              "toNumber": {"type": "string"},
              "direction": {"type": "string", "enum": ["inbound", "outbound"]},
              "channel": {"type": "string", "enum": ["sms", "mms", "imessage"]},
              "mediaUrl": {"type": ["string", "null"]},
              "mediaUrls": {"type": "array", "items": {"type": "string"}},
              "reactions": {"type": "array", "items": {"$ref": "#/components/schemas/MessageReaction"}},
              "receivedAt": {"type": "string", "format": "date-time"},
              "senderIdentifier": {"type": ["string", "null"]},
              "replyTo": {"$ref": "#/components/schemas/ReplyTarget"}
            },
            "additionalProperties": false
          },
          "MessagePage": {
            "type": "object", "required": ["data", "hasMore"],
            "properties": {
              "data": {"type": "array", "items": {"$ref": "#/components/schemas/Message"}},
              "hasMore": {"type": "boolean"}
            },
            "additionalProperties": false
          },
          "MessageReaction": {
            "type": "object", "required": ["id", "reactionType", "fromNumber", "direction", "createdAt"],
            "properties": {
              "id": {"type": "string"}, "reactionType": {"type": "string"}, "fromNumber": {"type": "string"},
              "direction": {"type": "string", "enum": ["inbound", "outbound"]},
              "createdAt": {"type": "string", "format": "date-time"}
            },
            "additionalProperties": false
          },
          "Nothing": {},
          "OutboundMessage": {
            "type": "object",
            "properties": {
              "recipients": {
                "type": ["array", "null"], "items": {"type": "string"}, "minItems": 2, "maxItems": 32
              },
              "agent_id": {"type": ["string", "null"]}, "number_id": {"type": ["string", "null"]},
              "from_number": {"type": ["string", "null"]}, "to_number": {"type": ["string", "null"]},
              "body": {"type": "string"},
              "media_urls": {"type": ["array", "null"], "items": {"type": "string"}, "minItems": 1, "maxItems": 20},
              "media_url": {"type": ["string", "null"]}, "reply_to_message_id": {"type": ["string", "null"]},
              "send_style": {
                "type": ["string", "null"],
                "enum": [
                  "celebration", "fireworks", "lasers", "love", "confetti", "balloons", "spotlight", "echo",
                  "invisible", "gentle", "loud", "slam", null
                ]
              }
            },
            "required": ["body"]
          },
          "ReactionReceipt": {
            "type": "object",
            "required": ["id", "reactionType", "reaction_type", "messageId", "message_id", "channel"],
            "properties": {
              "id": {"type": "string"}, "reactionType": {"type": "string"},
              "reaction_type": {"type": "string"}, "messageId": {"type": "string"},
              "message_id": {"type": "string"},
              "channel": {"type": "string", "enum": ["sms", "mms", "imessage"]}
            },
            "additionalProperties": false
          },
          "ReactionRequest": {
            "type": "object",
            "properties": {
              "reaction": {"type": "string", "enum": ["love", "like", "dislike", "laugh", "emphasize", "question"]}
            },
            "required": ["reaction"]
          },
          "ReplyTarget": {
            "type": "object", "required": ["messageId", "message", "mediaUrls"],
            "properties": {
              "messageId": {"type": "string"}, "message": {"type": "string"},
              "mediaUrls": {"type": "array", "items": {"type": "string"}}
            },
            "additionalProperties": false
          },
          "SentMessage": {
            "type": "object",
            "required": [
              "id", "status", "channel", "from_number", "to_number", "conversation_id", "media_urls",
              "reply_to_message_id", "reply_parent_unresolved"
            ],
            "properties": {
              "id": {"type": "string"}, "status": {"type": "string"},
              "channel": {"type": "string", "enum": ["sms", "mms", "imessage"]},
              "from_number": {"type": "string"}, "to_number": {"type": "string"},
              "conversation_id": {"type": "string"},
              "media_urls": {"type": "array", "items": {"type": "string"}},
              "reply_to_message_id": {"type": ["string", "null"]},
              "reply_parent_unresolved": {"type": ["boolean", "null"]}
            },
            "additionalProperties": false
          },
          "Success": {
            "type": "object", "required": ["success"], "properties": {"success": {"const": true}},
            "additionalProperties": false
          },
          "TypingReceipt": {
            "type": "object", "required": ["conversationId", "channel", "status"],
            "properties": {
              "conversationId": {"type": "string"},
              "channel": {"type": "string", "enum": ["sms", "mms", "imessage"]},
              "status": {"type": "string"}
            },
            "additionalProperties": false
          }
        }
        """#
}
