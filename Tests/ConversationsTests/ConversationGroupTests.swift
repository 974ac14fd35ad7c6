import Conversations
import CustomDump
import Testing

@Suite struct ConversationGroupTests {
    private static let common = """
        "id": "c", "phoneNumberId": "n", "phoneNumber": "+15551234567", "participant": "grp_1", "messageCount": 0,
        "createdAt": "2025-01-15T12:00:00Z"
        """

    @Test func `a group's keys stand among the conversation's, there and back`() throws {
        let text = """
            {\(Self.common), "agentId": null, "lastMessageAt": null, "lastMessagePreview": null, "metadata": null,
            "isGroup": true, "groupId": "grp_1", "groupName": "Family", "groupIconUrl": null,
            "participants": [{"identifier": "+15550000001", "name": null}, {"identifier": "a@b.c", "name": "Ann"}]}
            """
        let conversation = try decode(Conversation.self, text)
        expectNoDifference(
            conversation.group,
            ConversationGroup(
                id: "grp_1", name: "Family",
                participants: [
                    ConversationGroup.Member(identifier: "+15550000001"),
                    ConversationGroup.Member(identifier: "a@b.c", name: "Ann"),
                ]))
        expectNoDifference(try json(of: conversation), try json(text))
    }

    @Test(arguments: [
        #""isGroup": false"#, #""isGroup": null"#, #""groupId": null"#, #""isGroup": true, "participants": 7"#,
    ])
    func `what is no group, or of no known shape, is a conversation all the same`(keys: String) throws {
        expectNoDifference(try decode(Conversation.self, "{\(Self.common), \(keys)}").group, nil)
    }
}
