import Conversations
import CustomDump
import Testing

@Suite struct MessageTests {
    @Test func `the documented page is read`() throws {
        expectNoDifference(
            try decode(MessagePage.self, Fixture.messagePage),
            MessagePage(
                data: [
                    Message(
                        id: "msg_001", body: "Hi, I need help with my order", fromNumber: "+15559876543",
                        toNumber: "+15551234567", direction: .inbound, channel: .sms,
                        receivedAt: try timestamp("2025-01-15T11:30:00Z"))
                ], hasMore: true))
    }

    @Test func `a message of media alone is read with an empty body`() throws {
        let url = "https://storage.googleapis.com/inbound-file-store/abc123_IMG_5414.png"
        expectNoDifference(
            try decode(Message.self, Fixture.imageMessage),
            Message(
                id: "msg_002", body: "", fromNumber: "+15559876543", toNumber: "+15551234567", direction: .inbound,
                channel: .imessage, mediaURL: url, mediaURLs: [url],
                receivedAt: try timestamp("2025-01-15T12:01:00Z")))
    }

    @Test func `later fields are read, and unknown ones and channels cost nothing`() throws {
        expectNoDifference(
            try decode(Message.self, Fixture.laterMessage),
            Message(
                id: "cmp2ez2pi02wq2h91eylkqzwb", body: "Nice", fromNumber: "jane@example.com", toNumber: "+15551234567",
                direction: .inbound, channel: Channel(rawValue: "rcs"), mediaURL: "https://cdn.example.com/1.png",
                mediaURLs: ["https://cdn.example.com/1.png", "https://cdn.example.com/2.png"],
                receivedAt: try timestamp("2026-05-01T08:00:00.250Z"),
                reactions: [
                    MessageReaction(
                        id: "rxn_1", reactionType: .love, fromNumber: "+15551234567", direction: .outbound,
                        createdAt: try timestamp("2026-05-01T08:00:01Z")),
                    MessageReaction(
                        id: "rxn_2", reactionType: ReactionType(rawValue: "🎉"), fromNumber: "", direction: .inbound,
                        createdAt: try timestamp("2026-05-01T08:00:02Z")),
                ], senderIdentifier: "jane@example.com",
                replyTo: ReplyTarget(messageID: "msg_0", message: "Look")))
    }

    @Test(arguments: ["null", "{}", "[]", #""msg_0""#, #"{"messageId": 7}"#])
    func `a reply to nothing known is still a message`(target: String) throws {
        let message = try decode(
            Message.self,
            #"{"id": "m", "direction": "inbound", "receivedAt": "2025-01-15T12:00:00Z", "replyTo": \#(target)}"#)
        expectNoDifference(message.replyTo, nil)
    }

    @Test(
        arguments: [
            (#""mediaUrl": "a""#, "a", ["a"]), (#""mediaUrl": "a", "mediaUrls": []"#, "a", ["a"]),
            (#""mediaUrl": "a", "mediaUrls": null"#, "a", ["a"]), (#""mediaUrls": ["a", "b"]"#, "a", ["a", "b"]),
            (#""mediaUrl": null, "mediaUrls": ["a"]"#, "a", ["a"]),
            (#""mediaUrl": "b", "mediaUrls": ["a", "b"]"#, "b", ["a", "b"]), (#""mediaUrl": null"#, nil, []),
        ] as [(String, String?, [String])])
    func `attachments are found under either key`(keys: String, one: String?, all: [String]) throws {
        let message = try decode(
            Message.self,
            #"{"id": "m", "direction": "inbound", "receivedAt": "2025-01-15T12:00:00Z", \#(keys)}"#)
        expectNoDifference(message.mediaURL, one)
        expectNoDifference(message.mediaURLs, all)
    }

    @Test func `every documented key is written, a null one too`() throws {
        let message = try decode(MessagePage.self, Fixture.messagePage).data[0]
        expectNoDifference(
            try json(of: message),
            [
                "id": "msg_001", "body": "Hi, I need help with my order", "fromNumber": "+15559876543",
                "toNumber": "+15551234567", "direction": "inbound", "channel": "sms", "mediaUrl": nil, "mediaUrls": [],
                "receivedAt": "2025-01-15T11:30:00Z", "reactions": [],
            ])
    }

    @Test(arguments: [Fixture.imageMessage, Fixture.laterMessage])
    func `a message is read back as it was written`(text: String) throws {
        let message = try decode(Message.self, text)
        expectNoDifference(try JSON.decode(Message.self, from: JSON.encode(message)), message)
    }

    @Test func `a message without an id is refused by name`() {
        let error = #expect(throws: DecodingError.self) {
            try decode(MessagePage.self, Fixture.messagePage.replacing("\"id\"", with: "\"ident\""))
        }
        expectNoDifference(error?.plainDescription, "data.0.id is missing")
        expectNoDifference(error?.fieldName, "data.0.id")
    }
}
