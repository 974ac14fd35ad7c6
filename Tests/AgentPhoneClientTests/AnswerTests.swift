import AgentPhoneClient
import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@Suite struct AnswerTests {
    /// What a status means for a read, and for a send, which can't be repeated.
    @Test(
        arguments: [
            (400, .invalidRequest, .invalidRequest), (401, .unauthorized, .unauthorized), (402, .forbidden, .forbidden),
            (403, .forbidden, .forbidden), (404, .notFound, .notFound), (405, .badResponse, .badResponse),
            (408, .unavailable, .outcomeUnknown), (409, .conflict, .conflict), (410, .notFound, .notFound),
            (413, .invalidRequest, .invalidRequest), (418, .invalidRequest, .invalidRequest),
            (422, .invalidRequest, .invalidRequest), (425, .unavailable, .unavailable),
            (429, .rateLimited, .rateLimited),
            (301, .badResponse, .badResponse), (303, .badResponse, .outcomeUnknown), (304, .badResponse, .badResponse),
            (500, .unavailable, .outcomeUnknown), (501, .notImplemented, .notImplemented),
            (502, .unavailable, .outcomeUnknown), (503, .unavailable, .outcomeUnknown),
            (504, .unavailable, .outcomeUnknown), (507, .unavailable, .outcomeUnknown),
            (599, .unavailable, .outcomeUnknown),
        ] as [(Int, APIError.Code, APIError.Code)])
    func `each status says what to do`(status: Int, read: APIError.Code, send: APIError.Code) async throws {
        try await StandInServer.run(StandInServer.Reply(status: status)) { _, client in
            let readError = await #expect(throws: APIError.self) { try await client.conversations(limit: 1, offset: 0) }
            let sendError = await #expect(throws: APIError.self) {
                try await client.send(AgentPhoneClientTests.message)
            }
            let reactError = await #expect(throws: APIError.self) { try await client.react(to: "m", with: .love) }
            expectNoDifference([readError?.code, sendError?.code, reactError?.code], [read, send, send])
            expectNoDifference(readError?.status, status)
        }
    }

    @Test(arguments: [
        "CONVERSATION_STREAK_LIMIT", "CONVERSATION_AWAITING_REPLY", "CONVERSATION_INACTIVE", "OUTBOUND_LIMIT_REACHED",
        "NEW_CONVERSATION_LIMIT_REACHED",
    ])
    func `a cap that waiting does not lift is told from a throttle`(code: String) async throws {
        let reply = StandInServer.Reply(
            status: 429, headers: ["retry-after": "5"], body: #"{"error": {"message": "No.", "code": "\#(code)"}}"#)
        let error = try await sendError(reply)
        expectNoDifference(error?.code, .limitReached)
        expectNoDifference(error?.serverCode, code)
        expectNoDifference(error?.isRetryable, false)
    }

    @Test func `a throttle says how long to wait`() async throws {
        let reply = StandInServer.Reply(
            status: 429, headers: ["retry-after": "12"],
            body: #"{"error": {"message": "Limit: 5 per 3600s", "code": "RATE_LIMIT_EXCEEDED"}}"#)
        let error = try await sendError(reply)
        expectNoDifference(
            error,
            APIError(
                .rateLimited,
                "sending a message: the server answered 429, RATE_LIMIT_EXCEEDED: Limit: 5 per 3600s; "
                    + "wait 12.0 seconds, then retry",
                status: 429, serverCode: "RATE_LIMIT_EXCEEDED", retryAfter: .seconds(12)))
    }

    @Test func `an unconfirmed delivery has an unknown outcome`() async throws {
        let reply = StandInServer.Reply(
            status: 409, body: #"{"error": {"message": "Unconfirmed.", "code": "DELIVERY_UNCONFIRMED"}}"#)
        let error = try await sendError(reply)
        expectNoDifference(error?.code, .outcomeUnknown)
        expectNoDifference(error?.serverCode, "DELIVERY_UNCONFIRMED")
    }

    @Test func `a conflict whose reason is cut off has an unknown outcome`() async throws {
        let error = try await sendError(StandInServer.Reply(status: 409, body: "{", missingByteCount: 9))
        expectNoDifference(error?.code, .outcomeUnknown)
    }

    @Test func `a refused field is named`() async throws {
        let body = #"{"detail": [{"loc": ["query", "limit"], "msg": "must be 1 to 100", "type": "value_error"}]}"#
        try await StandInServer.run(StandInServer.Reply(status: 422, body: body)) { _, client in
            let error = await #expect(throws: APIError.self) { try await client.conversations(limit: 0, offset: 0) }
            expectNoDifference(
                error,
                APIError(
                    .invalidRequest,
                    "listing conversations: the server answered 422, must be 1 to 100; correct the call", status: 422,
                    field: "limit"))
        }
    }

    @Test(arguments: ["", "{", "[]", "<html>", #"{"status": "sent"}"#, #"{"id": 7}"#])
    func `a success that can't be read is no failure of a send`(body: String) async throws {
        let reply = StandInServer.Reply(body: body)
        let error = try await sendError(reply)
        expectNoDifference(error?.code, .outcomeUnknown)
        try await StandInServer.run(reply) { _, client in
            let error = await #expect(throws: APIError.self) { try await client.conversation("c", messageLimit: 1) }
            expectNoDifference(error?.code, .badResponse)
        }
    }

    @Test func `an answer that is too large is not read to its end`() async throws {
        let reply = StandInServer.Reply(body: "\"" + String(repeating: "x", count: 100_000) + "\"")
        try await StandInServer.run(reply, bodyLimit: 1000) { _, client in
            let read = await #expect(throws: APIError.self) { try await client.webhook() }
            let send = await #expect(throws: APIError.self) { try await client.send(AgentPhoneClientTests.message) }
            expectNoDifference([read?.code, send?.code], [.badResponse, .outcomeUnknown])
            expectNoDifference(read?.message.contains("larger than 1000 bytes"), true)
        }
    }

    @Test func `an error answer that is too large still has its status`() async throws {
        let reply = StandInServer.Reply(status: 401, body: String(repeating: "x", count: 100_000))
        try await StandInServer.run(reply, bodyLimit: 1000) { _, client in
            let error = await #expect(throws: APIError.self) { try await client.webhook() }
            expectNoDifference(error?.code, .unauthorized)
            expectNoDifference(error?.message.contains("api.key"), true)
        }
    }

    @Test func `an answer of many words is quoted briefly`() async throws {
        let text = String(repeating: "x", count: 5000)
        let error = try await sendError(StandInServer.Reply(status: 400, body: #"{"detail": "\#(text)"}"#))
        expectNoDifference((error?.message.count ?? 0) < 500, true)
    }

    private func sendError(_ reply: StandInServer.Reply) async throws -> APIError? {
        let (errors, error) = AsyncStream.makeStream(of: APIError?.self)
        try await StandInServer.run(reply) { _, client in
            error.yield(
                await #expect(throws: APIError.self) { try await client.send(AgentPhoneClientTests.message) })
        }
        error.finish()
        return await errors.first { _ in true } ?? nil
    }
}
