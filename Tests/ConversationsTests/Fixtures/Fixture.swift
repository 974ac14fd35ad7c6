import Conversations
import Foundation

/// Answers of the API as its documentation shows them.
///
/// Source: AgentPhone guide "Conversations"; where a fixture says so, the API reference.
enum Fixture {
    static let conversationPage = """
        {
          "data": [
            {
              "id": "conv_def456",
              "agentId": "agt_abc123",
              "phoneNumberId": "num_xyz789",
              "phoneNumber": "+15551234567",
              "participant": "+15559876543",
              "lastMessageAt": "2025-01-15T12:00:00Z",
              "lastMessagePreview": "Thanks for your help!",
              "messageCount": 8,
              "metadata": {
                "customerName": "Jane Doe",
                "orderId": "ORD-12345"
              },
              "createdAt": "2025-01-15T11:30:00Z"
            }
          ],
          "hasMore": false,
          "total": 1
        }
        """

    static let metadataUpdate = """
        {
          "metadata": {
            "customerName": "Jane Doe",
            "orderId": "ORD-12345",
            "topic": "order_tracking",
            "resolved": false
          }
        }
        """

    static let messagePage = """
        {
          "data": [
            {
              "id": "msg_001",
              "body": "Hi, I need help with my order",
              "fromNumber": "+15559876543",
              "toNumber": "+15551234567",
              "direction": "inbound",
              "channel": "sms",
              "mediaUrl": null,
              "receivedAt": "2025-01-15T11:30:00Z"
            }
          ],
          "hasMore": true
        }
        """

    static let imageMessage = """
        {
          "id": "msg_002",
          "body": "",
          "fromNumber": "+15559876543",
          "toNumber": "+15551234567",
          "direction": "inbound",
          "channel": "imessage",
          "mediaUrl": "https://storage.googleapis.com/inbound-file-store/abc123_IMG_5414.png",
          "receivedAt": "2025-01-15T12:01:00Z"
        }
        """

    static let reactionReceipt = """
        {
          "id": "rxn_abc123",
          "reactionType": "love",
          "messageId": "msg_001",
          "channel": "imessage"
        }
        """

    /// Source: AgentPhone API reference, "Add reaction".
    static let reactionReceiptSnakeCase = """
        { "id": "rxn_abc123", "reaction_type": "love", "message_id": "msg_001", "channel": "imessage" }
        """

    /// Source: AgentPhone API reference, ConversationDetail.
    static let conversationDetail = """
        {
          "id": "conv_def456", "agentId": null,
          "phoneNumberId": "num_xyz789", "phoneNumber": "+15551234567",
          "participant": "jane@example.com",
          "lastMessageAt": "2025-01-15T12:01:00Z",
          "messageCount": 1,
          "metadata": null,
          "createdAt": "2025-01-15T11:30:00Z",
          "isGroup": false, "groupId": null, "participants": null,
          "capabilities": { "canSendMessages": true, "availableChannels": ["imessage", "sms"] },
          "messages": [\(imageMessage)]
        }
        """

    /// Source: AgentPhone API reference, message object with its later fields.
    static let laterMessage = """
        {
          "id": "cmp2ez2pi02wq2h91eylkqzwb",
          "body": "Nice",
          "fromNumber": "jane@example.com",
          "toNumber": "+15551234567",
          "direction": "inbound",
          "channel": "rcs",
          "mediaUrl": "https://cdn.example.com/1.png",
          "mediaUrls": ["https://cdn.example.com/1.png", "https://cdn.example.com/2.png"],
          "receivedAt": "2026-05-01T08:00:00.250Z",
          "reactions": [
            { "id": "rxn_1", "reactionType": "love", "fromNumber": "+15551234567", "direction": "outbound",
              "createdAt": "2026-05-01T08:00:01Z" },
            { "id": "rxn_2", "reactionType": "🎉", "fromNumber": null, "direction": null,
              "createdAt": "2026-05-01T08:00:02Z" }
          ],
          "replyTo": { "messageId": "msg_0", "message": "Look", "mediaUrls": [] },
          "senderIdentifier": "jane@example.com",
          "status": "delivered", "readAt": null
        }
        """

    /// Source: AgentPhone API reference, "Send message".
    static let sentMessage = """
        {
          "id": "msg_abc123",
          "status": "sent",
          "channel": "sms",
          "from_number": "+15551234567",
          "to_number": "+15559876543",
          "conversation_id": "conv_def456",
          "media_urls": [],
          "reply_to_message_id": null,
          "reply_parent_unresolved": null
        }
        """

    /// Source: AgentPhone API reference, "Create or update webhook".
    static let webhook = """
        { "id": "wh_xyz789", "url": "https://your-server.com/hook", "secret": "whsec_def456", "status": "active",
          "contextLimit": 5, "timeout": 30, "createdAt": "2025-01-15T11:00:00Z" }
        """
}

/// Reads a value from JSON text.
func decode<Value: Decodable>(_ type: Value.Type = Value.self, _ text: String) throws -> Value {
    try JSON.decode(type, from: Data(text.utf8))
}

/// JSON text as a value whose keys have no order.
func json(_ text: String) throws -> JSONValue {
    try JSONValue(parsing: Data(text.utf8))
}

/// What a value is written as.
func json(of value: some Encodable) throws -> JSONValue {
    try JSONValue(parsing: JSON.encode(value))
}

func timestamp(_ text: String) throws -> Timestamp {
    guard let value = Timestamp(text) else { throw FixtureError(message: "\(text) is no timestamp") }
    return value
}

struct FixtureError: Error {
    var message: String
}
