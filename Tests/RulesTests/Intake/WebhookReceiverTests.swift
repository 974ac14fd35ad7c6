import Conversations
import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Rules

@Suite struct WebhookReceiverTests {
    /// Remembers events, and answers as it is told.
    private final class Inbox: Sendable {
        let events = Mutex<[NewEvent]>([])
        let answer: Result<[Acceptance], EngineError>

        init(_ answer: Result<[Acceptance], EngineError> = .success([.accepted(7)])) {
            self.answer = answer
        }

        func accept(_ new: [NewEvent]) throws(EngineError) -> [Acceptance] {
            events.withLock { $0 += new }
            return try answer.get()
        }
    }

    private static let message = """
        { "event": "agent.message", "channel": "imessage", "timestamp": "2025-01-15T12:00:05Z",
          "data": { "conversationId": "conv_1", "messageId": "msg_1", "from": "+15559876543", "to": "+15551234567",
            "message": "Hi", "receivedAt": "2025-01-15T12:00:00Z" }, "conversationState": null }
        """
    private static let time = noon.microseconds / 1_000_000

    private func receiver(_ inbox: Inbox, secrets: [String] = ["whsec_1"]) -> WebhookReceiver {
        WebhookReceiver(
            secrets: { secrets }, now: { noon.date }, logger: .silent,
            accept: { events throws(EngineError) in try inbox.accept(events) })
    }

    private func receive(
        _ text: String = message, inbox: Inbox = Inbox(), secrets: [String] = ["whsec_1"],
        signedWith: String = "whsec_1",
        at time: Int64 = time, _ change: (inout WebhookHeaders) -> Void = { _ in }
    ) async -> WebhookAnswer {
        let body = Data(text.utf8)
        var headers = WebhookHeaders(
            signature: WebhookSignature.sign(body, timestamp: time, secret: signedWith), timestamp: String(time),
            delivery: "del_1")
        change(&headers)
        return await receiver(inbox, secrets: secrets).receive(body, headers: headers)
    }

    @Test func `no answer is given before the event is kept`() async throws {
        let order = Mutex<[String]>([])
        let note = { @Sendable (word: String) in order.withLock { $0.append(word) } }
        let receiver = WebhookReceiver(
            secrets: { ["whsec_1"] }, now: { noon.date }, logger: .silent,
            accept: { _ in
                note("begins to keep")
                // Gives whoever would answer meanwhile every chance to.
                for _ in 0..<1000 { await Task.yield() }
                note("kept")
                return [.accepted(7)]
            })
        let body = Data(Self.message.utf8)
        let answer = await receiver.receive(
            body,
            headers: WebhookHeaders(
                signature: WebhookSignature.sign(body, timestamp: Self.time, secret: "whsec_1"),
                timestamp: String(Self.time), delivery: "del_1"))
        note("answered \(answer.status)")
        expectNoDifference(order.withLock { $0 }, ["begins to keep", "kept", "answered 200"])
    }

    @Test func `a signed message is kept and then answered`() async throws {
        let inbox = Inbox()
        let answer = await receive(inbox: inbox)
        expectNoDifference(answer, WebhookAnswer(status: 200, reason: "accepted", message: "kept as event 7"))
        let kept = try #require(inbox.events.withLock { $0 }.first)
        let content = try JSON.decode(ConversationEvent.self, from: kept.payload)
        #expect(content.message?.body == "Hi")
        expectNoDifference(kept.identities, ["message:msg_1", "delivery:del_1"])
        #expect(kept.source == "webhook" && kept.kind == "message" && kept.queue == "conv_1")
        #expect(kept.occurredAt == noon.date)
    }

    @Test func `a known event is a duplicate`() async {
        expectSame(
            await receive(inbox: Inbox(.success([.duplicate(of: 3)]))),
            WebhookAnswer(status: 200, reason: "duplicate", message: "known as event 3"))
    }

    @Test func `a missing or malformed signature is not signed`() async {
        for signature in [nil, "", "sha256=", "sha1=abc", "sha256=" + String(repeating: "g", count: 64)] as [String?] {
            let answer = await receive { $0.signature = signature }
            #expect(answer.status == 401 && answer.reason == "not_signed")
        }
        for timestamp in [nil, "", "now", "1e9", "99999999999999999999999"] as [String?] {
            let answer = await receive { $0.timestamp = timestamp }
            #expect(answer.status == 401 && answer.reason == "not_signed")
        }
    }

    @Test func `another secret's signature is a mismatch`() async {
        let answer = await receive(signedWith: "whsec_2")
        #expect(answer.status == 401 && answer.reason == "mismatch")
    }

    @Test func `a changed timestamp is a mismatch`() async {
        let answer = await receive { $0.timestamp = String(Self.time + 1) }
        #expect(answer.status == 401 && answer.reason == "mismatch")
    }

    @Test(arguments: [-301, 301, -86_400])
    func `a delivery over five minutes off is stale`(_ distance: Int64) async {
        let inbox = Inbox()
        let answer = await receive(inbox: inbox, at: Self.time + distance)
        #expect(answer.status == 401 && answer.reason == "stale")
        #expect(inbox.events.withLock { $0.isEmpty })
    }

    @Test(arguments: [-300, 300]) func `five minutes off is still well`(_ distance: Int64) async {
        #expect(await receive(at: Self.time + distance).status == 200)
    }

    @Test func `while a secret is rotated, both are good`() async {
        for secret in ["whsec_old", "whsec_new"] {
            #expect(await receive(secrets: ["whsec_old", "whsec_new"], signedWith: secret).status == 200)
        }
    }

    @Test func `before a secret is known, the provider is asked to come again`() async {
        let answer = await receive(secrets: [])
        #expect(answer.status == 503 && answer.reason == "no_secret")
    }

    @Test(arguments: [
        "", "{", "[]", "\"text\"", #"{ "channel": "sms" }"#, #"{ "event": "agent.message", "channel": "sms" }"#,
        #"{ "event": "agent.message", "channel": "sms", "data": { "from": "+1" } }"#,
        #"{ "event": "agent.reaction", "data": { "conversationId": "c" } }"#,
    ])
    func `a body that is no event is malformed`(_ text: String) async {
        let inbox = Inbox()
        let answer = await receive(text, inbox: inbox)
        #expect(answer.status == 400 && answer.reason == "malformed")
        #expect(inbox.events.withLock { $0.isEmpty })
    }

    @Test func `a body over the limit is too large`() {
        expectNoDifference(
            receiver(Inbox()).refuseTooLarge(limit: 1024),
            WebhookAnswer(status: 413, reason: "too_large", message: "the body is over 1024 bytes"))
    }

    @Test func `a test delivery is answered and not kept`() async {
        let inbox = Inbox()
        let answer = await receive(Self.message.replacing("\"event\"", with: "\"test\": true, \"event\""), inbox: inbox)
        #expect(answer.status == 200 && answer.reason == "test")
        #expect(inbox.events.withLock { $0.isEmpty })
    }

    @Test(arguments: [
        #"{ "event": "agent.message", "channel": "voice", "data": { "callId": "c", "transcript": "Hi" } }"#,
        #"{ "event": "agent.contact_shared", "data": {} }"#,
    ])
    func `what rules don't see is answered and not kept`(_ text: String) async {
        let inbox = Inbox()
        let answer = await receive(text, inbox: inbox)
        #expect(answer.status == 200 && answer.reason == "ignored")
        #expect(inbox.events.withLock { $0.isEmpty })
    }

    @Test func `while the store is down, the provider is asked to come again`() async {
        let down = Inbox(.failure(EngineError(.unavailable, "the disk is full")))
        expectSame(
            await receive(inbox: down),
            WebhookAnswer(status: 503, reason: "unavailable", message: "the disk is full"))
        let empty = await receive(inbox: Inbox(.success([])))
        #expect(empty.status == 503)
    }

    @Test func `a call without a time happened when it was told`() async throws {
        let inbox = Inbox()
        _ = await receive(
            """
            { "event": "agent.call_ended", "channel": "voice", "timestamp": "2025-01-15T11:59:00Z",
              "data": { "callId": "call_1" } }
            """, inbox: inbox)
        #expect(inbox.events.withLock { $0.first?.occurredAt } == noon.advanced(by: .seconds(-60)).date)
    }

    @Test func `a repeated delivery is accepted once`() async throws {
        let store = try SQLiteStore.inMemory()
        let epoch = try await store.takeOver()
        let receiver = WebhookReceiver(
            secrets: { ["whsec_1"] }, now: { noon.date }, logger: .silent,
            accept: { events throws(EngineError) in try await store.accept(events, at: noon.date, epoch: epoch) })
        let withoutID = Self.message.replacing("\"messageId\": \"msg_1\",", with: "")
        for text in [Self.message, withoutID] {
            let body = Data(text.utf8)
            var reasons: [String] = []
            for (delivery, delay) in [("a", 0), ("a", 100), ("b", 200)] as [(String, Int64)] {
                let time = Self.time + delay
                let headers = WebhookHeaders(
                    signature: WebhookSignature.sign(body, timestamp: time, secret: "whsec_1"),
                    timestamp: String(time), delivery: delivery + String(text.count))
                reasons.append(await receiver.receive(body, headers: headers).reason)
            }
            // With an id it is the message that is known, without one the delivery.
            let third = text == Self.message ? "duplicate" : "accepted"
            expectNoDifference(reasons, ["accepted", "duplicate", third])
        }
    }
}
