import Conversations
import CustomDump
import Foundation
import Testing

@Suite struct ConversationUpdateTests {
    @Test(
        arguments: [
            ("{}", .unchanged), (#"{"unknown": "x"}"#, .unchanged), (#"{"metadata": null}"#, .cleared),
            (#"{"metadata": {}}"#, .replaced([:])), (#"{"metadata": {"a": null}}"#, .replaced(["a": nil])),
        ] as [(String, ConversationUpdate.Field<Metadata>)])
    func `absent, null and an object stay apart`(text: String, field: ConversationUpdate.Field<Metadata>) throws {
        let update = ConversationUpdate(metadata: field)
        expectNoDifference(try decode(ConversationUpdate.self, text), update)
        expectNoDifference(try JSON.decode(ConversationUpdate.self, from: JSON.encode(update)), update)
    }

    @Test func `a group's name goes beside the metadata`() throws {
        let update = ConversationUpdate(groupName: "Family")
        expectNoDifference(try decode(ConversationUpdate.self, #"{"group_name": "Family"}"#), update)
        expectNoDifference(try json(of: update), ["group_name": "Family"])
    }

    @Test func `the documented body is written key for key`() throws {
        let update = ConversationUpdate(
            metadata: .replaced([
                "customerName": "Jane Doe", "orderId": "ORD-12345", "topic": "order_tracking", "resolved": false,
            ]))
        expectNoDifference(try decode(ConversationUpdate.self, Fixture.metadataUpdate), update)
        expectNoDifference(try json(of: update), try json(Fixture.metadataUpdate))
    }

    @Test func `metadata nests to a hundred levels and no deeper`() {
        func update(depth: Int) -> ConversationUpdate {
            let value = (1..<depth).reduce(JSONValue.null) { value, level in
                level % 2 == 0 ? .array([value]) : .object(["a": value])
            }
            return ConversationUpdate(metadata: .replaced(["a": value]))
        }
        expectNoDifference(update(depth: 100).metadataProblem, nil)
        expectNoDifference(update(depth: 101).metadataProblem, "must not nest deeper than 100 levels")
        expectNoDifference(update(depth: 10_000).metadataProblem, "must not nest deeper than 100 levels")
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func `metadata holds only numbers that JSON can hold`(number: Double) {
        let update = ConversationUpdate(metadata: .replaced(["a": ["b": [1, .number(number)]]]))
        expectNoDifference(update.metadataProblem, "must hold no number that is infinite or not a number")
        expectNoDifference(ConversationUpdate(metadata: .replaced(["a": 1.5])).metadataProblem, nil)
        expectNoDifference(ConversationUpdate(metadata: .cleared).metadataProblem, nil)
        expectNoDifference(ConversationUpdate().metadataProblem, nil)
    }

    @Test(arguments: [#"{"metadata": []}"#, #"{"metadata": "x"}"#, #"{"metadata": 1}"#, "[]"])
    func `metadata that is no object is refused`(text: String) {
        #expect(throws: DecodingError.self) { try decode(ConversationUpdate.self, text) }
    }
}

@Suite struct ReactionReceiptTests {
    @Test(arguments: [Fixture.reactionReceipt, Fixture.reactionReceiptSnakeCase])
    func `either spelling is read and both are written`(text: String) throws {
        let receipt = ReactionReceipt(id: "rxn_abc123", reactionType: .love, messageID: "msg_001", channel: .imessage)
        expectNoDifference(try decode(ReactionReceipt.self, text), receipt)
        expectNoDifference(
            try json(of: receipt),
            [
                "id": "rxn_abc123", "reactionType": "love", "reaction_type": "love", "messageId": "msg_001",
                "message_id": "msg_001", "channel": "imessage",
            ])
    }
}

@Suite struct OutboundMessageTests {
    @Test func `keys are snake case, and what is not set is left out`() throws {
        expectNoDifference(
            try json(of: OutboundMessage(fromNumber: "+15551234567", toNumber: "+15559876543", body: "Hi")),
            ["from_number": "+15551234567", "to_number": "+15559876543", "body": "Hi"])
        let full = OutboundMessage(
            agentID: "agt_1", numberID: "num_1", fromNumber: "+1", toNumber: "+2", body: "", mediaURLs: ["https://a/b"],
            mediaURL: "https://a/c", replyToMessageID: "msg_1", sendStyle: "slam")
        expectNoDifference(
            try json(of: full),
            [
                "agent_id": "agt_1", "number_id": "num_1", "from_number": "+1", "to_number": "+2", "body": "",
                "media_urls": ["https://a/b"], "media_url": "https://a/c", "reply_to_message_id": "msg_1",
                "send_style": "slam",
            ])
        expectNoDifference(try JSON.decode(OutboundMessage.self, from: JSON.encode(full)), full)
    }
}

@Suite struct SentMessageTests {
    @Test func `the documented answer is read and written key for key`() throws {
        let sent = SentMessage(
            id: "msg_abc123", status: "sent", channel: .sms, fromNumber: "+15551234567", toNumber: "+15559876543",
            conversationID: "conv_def456")
        expectNoDifference(try decode(SentMessage.self, Fixture.sentMessage), sent)
        expectNoDifference(try json(of: sent), try json(Fixture.sentMessage))
    }

    @Test func `an answer with an id alone is read`() throws {
        expectNoDifference(
            try decode(SentMessage.self, #"{"id": "m"}"#),
            SentMessage(id: "m", status: "sent", channel: nil, fromNumber: nil, toNumber: nil, conversationID: nil))
    }
}

@Suite struct WebhookTests {
    @Test func `the documented answer is read and written key for key`() throws {
        let webhook = Webhook(
            id: "wh_xyz789", url: "https://your-server.com/hook", secret: "whsec_def456", status: "active",
            contextLimit: 5, timeout: 30, createdAt: try timestamp("2025-01-15T11:00:00Z"))
        expectNoDifference(try decode(Webhook.self, Fixture.webhook), webhook)
        expectNoDifference(try json(of: webhook), try json(Fixture.webhook))
    }

    @Test func `the older answer without timeout, and null, are read`() throws {
        let older = Fixture.webhook.replacing(#", "timeout": 30"#, with: "").replacing(#""timeout": 30, "#, with: "")
        expectNoDifference(try decode(Webhook.self, older.replacing("\"timeout\"", with: "\"other\"")).timeout, 30)
        expectNoDifference(try decode(Webhook?.self, "null"), nil)
    }

    @Test func `a request leaves out what is not set`() throws {
        expectNoDifference(try json(of: WebhookRequest(url: "https://a.b/c")), ["url": "https://a.b/c"])
        expectNoDifference(
            try json(of: WebhookRequest(url: "u", contextLimit: 0, timeout: 5)),
            ["url": "u", "contextLimit": 0, "timeout": 5])
    }
}
