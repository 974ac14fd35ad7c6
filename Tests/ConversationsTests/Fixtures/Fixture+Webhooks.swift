/// Deliveries. Source: AgentPhone guide "Webhooks"; the reaction and the ended call from its chat SDK's fixtures.
extension Fixture {
    static let messageDelivery = """
        {
          "event": "agent.message",
          "channel": "sms",
          "timestamp": "2025-01-15T12:00:00Z",
          "agentId": "agt_abc123",
          "data": {
            "conversationId": "conv_def456", "numberId": "num_xyz789",
            "from": "+15559876543", "to": "+15551234567",
            "message": "Hi, I need help with my order",
            "mediaUrl": null,
            "direction": "inbound",
            "receivedAt": "2025-01-15T12:00:00Z"
          },
          "conversationState": { "customerName": "Jane Doe", "lastCall": null },
          "recentHistory": [
            { "content": "Hello", "direction": "inbound", "channel": "sms", "at": "2025-01-15T11:59:00Z" }
          ]
        }
        """

    /// The newest shape: an id, several attachments, a contact, an e-mail address as the sender.
    static let newestMessageDelivery = """
        {
          "event": "agent.message",
          "channel": "imessage",
          "timestamp": "2026-06-01T10:04:00.123Z",
          "agentId": null,
          "data": {
            "conversationId": "cmp2ez2pi02wq2h91eylkqzwb", "numberId": "num_xyz789",
            "messageId": "msg_003", "externalId": "x", "id": "y",
            "from": "jane@example.com", "to": "+15551234567",
            "contact": { "id": "ct_1", "name": "Jane", "email": null, "phoneNumber": "+15559876543" },
            "message": "",
            "mediaUrl": "https://cdn.example.com/1.png",
            "mediaUrls": ["https://cdn.example.com/1.png", "https://cdn.example.com/2.png"],
            "group": { "isGroup": true, "groupId": "grp_1", "participants": [] },
            "senderIdentifier": "jane@example.com",
            "direction": "inbound",
            "receivedAt": "2026-06-01T10:04:00.100Z"
          },
          "conversationState": null,
          "recentHistory": []
        }
        """

    static let voiceDelivery = """
        {
          "event": "agent.message", "channel": "voice", "timestamp": "2025-01-15T14:00:05Z", "agentId": "agt_abc123",
          "data": {
            "callId": "call_abc123", "numberId": "num_xyz789", "from": "+15559876543", "to": "+15551234567",
            "status": "in-progress", "transcript": "I need help with my order", "confidence": 0.95,
            "direction": "inbound"
          },
          "conversationState": null,
          "recentHistory": [
            { "content": "Hello, how can I help?", "direction": "outbound", "channel": "voice",
              "at": "2025-01-15T14:00:00Z" }
          ]
        }
        """

    static let reactionDelivery = """
        {
          "event": "agent.reaction", "channel": "imessage", "timestamp": "2025-06-01T10:04:00Z",
          "agentId": "agt_abc123",
          "data": {
            "conversationId": "conv_def456", "numberId": "num_xyz789",
            "reactionType": "love",
            "fromNumber": "+15559876543",
            "direction": "inbound",
            "messageId": "msg_003",
            "messageBody": "text of the message reacted to",
            "messageMediaUrl": null,
            "createdAt": "2025-06-01T10:04:00Z"
          }
        }
        """

    static let callEndedDelivery = """
        {
          "event": "agent.call_ended", "channel": "voice", "timestamp": "2025-01-15T14:05:00Z", "agentId": "agt_abc123",
          "data": {
            "callId": "call_abc", "numberId": "num_xyz", "from": "+15559876543", "to": "+15551234567",
            "contact": null,
            "direction": "inbound", "status": "completed",
            "startedAt": "2025-01-15T14:00:00Z", "endedAt": "2025-01-15T14:05:00Z", "durationSeconds": 300,
            "disconnectionReason": "user_hangup",
            "transcript": [ { "role": "agent", "content": "Hello" }, { "role": "user", "content": "Hi" } ],
            "summary": null, "userSentiment": "Neutral", "callSuccessful": true
          },
          "conversationState": null,
          "recentHistory": []
        }
        """
}
