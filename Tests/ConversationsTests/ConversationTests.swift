import Conversations
import CustomDump
import Testing

@Suite struct ConversationTests {
    @Test func `the documented page is read`() throws {
        expectNoDifference(
            try decode(ConversationPage.self, Fixture.conversationPage),
            ConversationPage(
                data: [
                    Conversation(
                        id: "conv_def456", agentID: "agt_abc123", phoneNumberID: "num_xyz789",
                        phoneNumber: "+15551234567", participant: "+15559876543",
                        lastMessageAt: try timestamp("2025-01-15T12:00:00Z"),
                        lastMessagePreview: "Thanks for your help!", messageCount: 8,
                        metadata: ["customerName": "Jane Doe", "orderId": "ORD-12345"],
                        createdAt: try timestamp("2025-01-15T11:30:00Z"))
                ], hasMore: false, total: 1))
    }

    @Test func `the documented page is written key for key`() throws {
        let page = try decode(ConversationPage.self, Fixture.conversationPage)
        expectNoDifference(try json(of: page), try json(Fixture.conversationPage))
    }

    @Test func `nulls are written, not left out`() throws {
        let conversation = Conversation(
            id: "c", agentID: nil, phoneNumberID: "n", phoneNumber: "+1", participant: "a@b.c", lastMessageAt: nil,
            messageCount: 0, metadata: nil, createdAt: Timestamp(microseconds: 0))
        expectNoDifference(
            try json(of: conversation),
            [
                "id": "c", "agentId": nil, "phoneNumberId": "n", "phoneNumber": "+1", "participant": "a@b.c",
                "lastMessageAt": nil, "lastMessagePreview": nil, "messageCount": 0, "metadata": nil,
                "createdAt": "1970-01-01T00:00:00Z",
            ])
        expectNoDifference(try JSON.decode(Conversation.self, from: JSON.encode(conversation)), conversation)
    }

    @Test func `metadata keeps nulls, numbers and depth on its way through`() throws {
        let metadata: Metadata = [
            "none": nil, "count": 3, "share": 0.25, "big": .integer(.max), "done": false, "empty": [:], "list": [],
            "nested": ["a": [nil, ["b": nil]]],
        ]
        let update = ConversationUpdate(metadata: .replaced(metadata))
        expectNoDifference(try JSON.decode(ConversationUpdate.self, from: JSON.encode(update)), update)
        expectNoDifference(try json(of: update), ["metadata": .object(metadata)])
    }

    @Test func `a single conversation has messages and no preview`() throws {
        let detail = try decode(ConversationDetail.self, Fixture.conversationDetail)
        expectNoDifference(detail.messages, [try decode(Message.self, Fixture.imageMessage)])
        expectNoDifference(detail.conversation.participant, "jane@example.com")
        guard case .object(let written) = try json(of: detail) else {
            Issue.record("it is no object")
            return
        }
        expectNoDifference(
            Set(written.keys),
            [
                "id", "agentId", "phoneNumberId", "phoneNumber", "participant", "lastMessageAt", "messageCount",
                "metadata", "createdAt", "messages",
            ])
        expectNoDifference(try JSON.decode(ConversationDetail.self, from: JSON.encode(detail)), detail)
    }

    @Test func `a conversation of an agent's list, which has fewer keys, is read`() throws {
        let conversation = try decode(
            Conversation.self, #"{"id": "c", "createdAt": "2025-01-15T11:30:00Z", "participant": "+1"}"#)
        expectNoDifference(conversation.metadata, nil)
        expectNoDifference(conversation.messageCount, 0)
    }
}
