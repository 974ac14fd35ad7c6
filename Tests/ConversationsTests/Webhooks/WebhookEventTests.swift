import Conversations
import CustomDump
import Foundation
import Testing

@Suite struct WebhookEventTests {
    @Test func `a message without id is read`() throws {
        let noon = try timestamp("2025-01-15T12:00:00Z")
        expectNoDifference(
            try event(Fixture.messageDelivery),
            WebhookEvent(
                event: "agent.message", channel: .sms, timestamp: noon, agentID: "agt_abc123",
                content: .message(
                    WebhookMessage(
                        conversationID: "conv_def456", numberID: "num_xyz789", messageID: nil, from: "+15559876543",
                        to: "+15551234567", message: "Hi, I need help with my order", receivedAt: noon)),
                conversationState: ["customerName": "Jane Doe", "lastCall": nil],
                recentHistory: [
                    HistoryEntry(
                        content: "Hello", direction: .inbound, channel: .sms, at: try timestamp("2025-01-15T11:59:00Z"))
                ]))
    }

    @Test func `a message of the newest shape is read`() throws {
        let delivery = try event(Fixture.newestMessageDelivery)
        var message = WebhookMessage(
            conversationID: "cmp2ez2pi02wq2h91eylkqzwb", numberID: "num_xyz789", messageID: "msg_003",
            from: "jane@example.com", to: "+15551234567", message: "", mediaURL: "https://cdn.example.com/1.png",
            mediaURLs: ["https://cdn.example.com/1.png", "https://cdn.example.com/2.png"],
            receivedAt: try timestamp("2026-06-01T10:04:00.100Z"), senderIdentifier: "jane@example.com",
            group: ConversationGroup(id: "grp_1", participants: []))
        message.contact = WebhookContact(id: "ct_1", name: "Jane", email: nil, phoneNumber: "+15559876543")
        expectNoDifference(delivery.content, .message(message))
        expectNoDifference(delivery.agentID, nil)
        expectNoDifference(delivery.conversationState, nil)
    }

    @Test func `a voice turn stays JSON`() throws {
        let delivery = try event(Fixture.voiceDelivery)
        guard case .voice(let data) = delivery.content else {
            Issue.record("it is read as \(delivery.content)")
            return
        }
        expectNoDifference(data["transcript"]?.string, "I need help with my order")
        expectNoDifference(data["confidence"], .number(0.95))
    }

    @Test func `a reaction is read, with or without state and history`() throws {
        expectNoDifference(
            try event(Fixture.reactionDelivery),
            WebhookEvent(
                event: "agent.reaction", channel: .imessage, timestamp: try timestamp("2025-06-01T10:04:00Z"),
                agentID: "agt_abc123",
                content: .reaction(
                    WebhookReaction(
                        conversationID: "conv_def456", numberID: "num_xyz789", reactionType: .love,
                        fromNumber: "+15559876543", messageID: "msg_003", messageBody: "text of the message reacted to",
                        createdAt: try timestamp("2025-06-01T10:04:00Z"))),
                conversationState: nil))
    }

    @Test func `an ended call keeps all that it says`() throws {
        let delivery = try event(Fixture.callEndedDelivery)
        guard case .callEnded(let call) = delivery.content else {
            Issue.record("it is read as \(delivery.content)")
            return
        }
        expectNoDifference(call.callID, "call_abc")
        expectNoDifference(call.endedAt, try timestamp("2025-01-15T14:05:00Z"))
        expectNoDifference(call.fields["durationSeconds"], 300)
        expectNoDifference(call.fields["summary"], .null)
    }

    @Test(arguments: ["whatsapp", "rcs", "pigeon"])
    func `a message on an unknown channel is a message`(channel: String) throws {
        let delivery = try event(Fixture.messageDelivery.replacing("\"sms\"", with: "\"\(channel)\""))
        guard case .message(let message) = delivery.content else {
            Issue.record("it is read as \(delivery.content)")
            return
        }
        expectNoDifference(delivery.channel, Channel(rawValue: channel))
        expectNoDifference(message.message, "Hi, I need help with my order")
    }

    @Test func `an unknown event is kept as JSON`() throws {
        expectNoDifference(
            try event(#"{"event": "agent.contact_shared", "data": {"a": null}, "test": true}"#),
            WebhookEvent(
                event: "agent.contact_shared", channel: nil, timestamp: nil, agentID: nil,
                content: .other(["a": nil]), conversationState: nil, isTest: true))
        expectNoDifference(try event(#"{"event": "x"}"#).content, .other(nil))
    }

    @Test(arguments: [
        #"{"content": null, "direction": "inbound"}"#, #"{"content": "x"}"#, #"{}"#,
        #"{"content": "x", "direction": null, "channel": 7, "at": "yesterday"}"#,
    ])
    func `a poor history entry does not cost the message`(entry: String) throws {
        let text = Fixture.messageDelivery.replacing(
            /"recentHistory": \[[^\]]*\]/, with: "\"recentHistory\": [\(entry)]")
        let delivery = try event(text)
        expectNoDifference(delivery.recentHistory.count, 1)
        guard case .message = delivery.content else {
            Issue.record("it is read as \(delivery.content)")
            return
        }
    }

    @Test(arguments: [
        Fixture.messageDelivery, Fixture.newestMessageDelivery, Fixture.voiceDelivery, Fixture.reactionDelivery,
        Fixture.callEndedDelivery,
    ])
    func `a delivery is read back as it was written`(text: String) throws {
        let delivery = try event(text)
        expectNoDifference(try WebhookEvent(parsing: JSON.encode(delivery)), delivery)
    }

    @Test(arguments: [Fixture.messageDelivery, Fixture.voiceDelivery, Fixture.callEndedDelivery])
    func `a delivery is written key for key as documented`(text: String) throws {
        expectNoDifference(try json(of: event(text)), try json(text))
    }

    @Test func `a reaction is written with state and history even where there is none`() throws {
        guard case .object(var expected) = try json(Fixture.reactionDelivery) else { return }
        expected["conversationState"] = .null
        expected["recentHistory"] = []
        expectNoDifference(try json(of: event(Fixture.reactionDelivery)), .object(expected))
    }

    @Test(arguments: [
        ("", "not valid JSON"), ("[]", "the body must be an object"), ("{}", "event is missing"),
        (#"{"event": 1}"#, "event must be a string"), (#"{"event": "agent.message"}"#, "data is missing"),
        (
            #"{"event": "agent.message", "data": {"conversationId": "c", "from": null}}"#,
            "data.from is null, but must be a string"
        ),
        (
            #"{"event": "agent.message", "data": {"conversationId": "c", "from": "+1", "receivedAt": "x"}}"#,
            "data.receivedAt: \"x\" is no ISO 8601 timestamp"
        ),
    ])
    func `a delivery that can't be read is refused with the field at fault`(text: String, message: String) {
        #expect(throws: WebhookError(.malformed, message)) { try event(text) }
    }

    private func event(_ text: String) throws -> WebhookEvent {
        try WebhookEvent(parsing: Data(text.utf8))
    }
}
