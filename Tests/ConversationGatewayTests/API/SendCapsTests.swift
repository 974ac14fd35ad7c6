import Conversations
import CustomDump
import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import ConversationGateway

@Suite struct SendCapsTests {
    private func send(_ call: Caller, to: String = GatewayFixture.participant) async throws -> Caller.Answer {
        try await call(
            "POST", "/v1/messages",
            ["from_number": .string(GatewayFixture.number), "to_number": .string(to), "body": "x"])
    }

    private func expect(_ code: String, _ answer: Caller.Answer) {
        expectNoDifference(answer.status, 429)
        expectNoDifference(answer.json["error"]?.text("code"), code)
        expectNoDifference(answer.headers[.retryAfter], nil)
    }

    @Test func `someone who has never written gets so many messages`() async throws {
        let fixture = try GatewayFixture { $0.sendCaps.beforeReply = 2 }
        try await fixture.routes { call in
            for _ in 0..<2 { expectSame(try await send(call).status, 200) }
            expect("CONVERSATION_AWAITING_REPLY", try await send(call))
            try await call.text("Hello")
            for _ in 0..<5 { expectSame(try await send(call).status, 200) }
        }
    }

    @Test func `someone who has written gets so many in a row`() async throws {
        let fixture = try GatewayFixture { $0.sendCaps.streak = 2 }
        try await fixture.routes { call in
            for _ in 0..<2 {
                try await call.text("Hello")
                for _ in 0..<2 { expectSame(try await send(call).status, 200) }
                expect("CONVERSATION_STREAK_LIMIT", try await send(call))
            }
        }
    }

    @Test func `someone who has not written for long gets none`() async throws {
        let fixture = try GatewayFixture { $0.sendCaps.inactivity = .seconds(60) }
        try await fixture.routes { call in
            try await call.text("Hello")
            fixture.clock.advance(by: .seconds(60))
            expectSame(try await send(call).status, 200)
            fixture.clock.advance(by: .seconds(1))
            expect("CONVERSATION_INACTIVE", try await send(call))
            expectSame(try await send(call, to: "+15550000001").status, 200)
        }
    }

    @Test func `a number sends so many in a day`() async throws {
        let fixture = try GatewayFixture { $0.sendCaps.outboundPerDay = 3 }
        try await fixture.routes { call in
            for index in 1...3 { expectSame(try await send(call, to: "+1555000000\(index)").status, 200) }
            expect("OUTBOUND_LIMIT_REACHED", try await send(call))
            fixture.clock.advance(by: .seconds(86401))
            expectSame(try await send(call).status, 200)
        }
    }

    @Test func `a number starts so many conversations in a day, and a refused one is not made`() async throws {
        let fixture = try GatewayFixture { $0.sendCaps.newConversationsPerDay = 2 }
        try await fixture.routes { call in
            try await call.text("Hello", from: "+15550000009")
            for index in 1...2 { expectSame(try await send(call, to: "+1555000000\(index)").status, 200) }
            expect("NEW_CONVERSATION_LIMIT_REACHED", try await send(call))
            for known in ["+15550000001", "+15550000009"] {
                expectSame(try await send(call, to: known).status, 200)
            }
            expectSame(try await call("GET", "/v1/conversations").json["total"], 3)
            fixture.clock.advance(by: .seconds(86401))
            expectSame(try await send(call).status, 200)
        }
    }
}
