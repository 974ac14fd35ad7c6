import AgentPhoneClient
import AsyncHTTPClient
import Conversations
import CustomDump
import Synchronization
import TestSupport
import Testing

@Suite struct ExchangeTests {
    private let message = AgentPhoneClientTests.message

    @Test func `where nobody listens, nothing was sent and anything may be retried`() async throws {
        let configuration = try AgentPhoneConfiguration(
            baseURL: "http://127.0.0.1:\(try await unusedPort())", apiKey: "k")
        let client = AgentPhoneClient(configuration, clock: ManualClock())
        let read = await #expect(throws: APIError.self) { try await client.webhook() }
        let send = await #expect(throws: APIError.self) { try await client.send(message) }
        expectNoDifference([read?.code, send?.code], [.unavailable, .unavailable])
        expectNoDifference(send?.message.contains("nothing was sent"), true)
    }

    @Test(arguments: [
        StandInServer.Reply(isCut: true), StandInServer.Reply(missingByteCount: 10),
        StandInServer.Reply(body: "{\"id\":", missingByteCount: 10),
    ])
    func `a connection that is cut before the answer's end leaves a send open`(reply: StandInServer.Reply) async throws
    {
        try await StandInServer.run(reply) { _, client in
            let read = await #expect(throws: APIError.self) { try await client.conversations(limit: 1, offset: 0) }
            let send = await #expect(throws: APIError.self) { try await client.send(message) }
            let react = await #expect(throws: APIError.self) { try await client.react(to: "m", with: .love) }
            expectNoDifference(
                [read?.code, send?.code, react?.code], [.unavailable, .outcomeUnknown, .outcomeUnknown])
        }
    }

    @Test func `what is refused at the last look does not leave`() async throws {
        struct Refusal: Error {}
        try await StandInServer.run(StandInServer.Reply()) { server, client in
            let looks = Mutex(0)
            let error = await #expect(throws: APIError.self) {
                try await LastLook.$check.withValue({
                    looks.withLock { $0 += 1 }
                    throw Refusal()
                }) { try await client.send(message) }
            }
            expectNoDifference(error?.code, .unavailable)
            expectNoDifference(error?.message.contains("nothing was sent"), true)
            expectNoDifference(server.received.count, 0)
            expectNoDifference(looks.withLock { $0 }, 1)
        }
    }

    @Test func `an answer that comes too late leaves a send open`() async throws {
        let clock = ManualClock()
        let reply = StandInServer.Reply(hold: { await Gate.never() })
        try await StandInServer.run(reply, timeout: .seconds(5), clock: clock) { server, client in
            async let send = client.send(message)
            await waitUntil { server.received.count == 1 }
            await clock.sleepers(atLeast: 1)
            clock.advance(by: .seconds(4))
            expectNoDifference(clock.timeToNextDeadline, .seconds(1))
            clock.advance(by: .seconds(1))
            do {
                _ = try await send
                Issue.record("it is answered")
            } catch {
                let error = try #require(error as? APIError)
                expectNoDifference(error.code, .outcomeUnknown)
                expectNoDifference(error.message.contains("no answer within 5.0 seconds (api.timeout)"), true)
            }
        }
    }

    @Test func `a send that still waits for a connection when its time is up was not sent`() async throws {
        let clock = ManualClock()
        var pool = HTTPClient.Configuration(redirectConfiguration: .disallow)
        pool.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1
        let httpClient = HTTPClient(configuration: pool)
        let reply = StandInServer.Reply(hold: { await Gate.never() })
        try await StandInServer.run(reply, timeout: .seconds(5), clock: clock, httpClient: httpClient) {
            server, client in
            async let first = #expect(throws: APIError.self) { try await client.send(message) }
            await waitUntil { server.received.count == 1 }
            let hasty = AgentPhoneClient(
                try AgentPhoneConfiguration(baseURL: server.baseURL, apiKey: "k", timeout: .seconds(2)),
                httpClient: httpClient, clock: clock)
            async let second = #expect(throws: APIError.self) { try await hasty.send(message) }
            await clock.sleepers(atLeast: 2)
            clock.advance(by: .seconds(2))
            let waiting = await second
            expectNoDifference(waiting?.code, .unavailable)
            clock.advance(by: .seconds(3))
            let underway = await first
            expectNoDifference(underway?.code, .outcomeUnknown)
            expectNoDifference(server.received.count, 1)
        }
        try await httpClient.shutdown()
    }

    @Test func `a read that comes too late may be retried`() async throws {
        let clock = ManualClock()
        let reply = StandInServer.Reply(hold: { await Gate.never() })
        try await StandInServer.run(reply, timeout: .seconds(5), clock: clock) { server, client in
            async let page = client.conversations(limit: 1, offset: 0)
            await waitUntil { server.received.count == 1 }
            await clock.sleepers(atLeast: 1)
            clock.advance(by: .seconds(5))
            do {
                _ = try await page
                Issue.record("it is answered")
            } catch {
                expectNoDifference((error as? APIError)?.code, .unavailable)
            }
        }
    }

    @Test func `a send that its caller cancels is open`() async throws {
        let reply = StandInServer.Reply(hold: { await Gate.never() })
        try await StandInServer.run(reply) { server, client in
            let call = Task { try await client.send(message) }
            await waitUntil { server.received.count == 1 }
            call.cancel()
            let error = await #expect(throws: APIError.self) { try await call.value }
            expectNoDifference(error?.code, .outcomeUnknown)
            expectNoDifference(error?.message.contains("cancelled"), true)
        }
    }

    @Test func `no clock ticks on once a call is answered`() async throws {
        let clock = ManualClock()
        try await StandInServer.run(StandInServer.Reply(body: "null"), clock: clock) { _, client in
            _ = try await client.webhook()
            expectNoDifference(clock.timeToNextDeadline, nil)
        }
    }

    @Test func `many calls at once are each answered`() async throws {
        try await StandInServer.run(StandInServer.Reply(body: "null")) { server, client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<200 { group.addTask { _ = try await client.webhook() } }
                try await group.waitForAll()
            }
            expectNoDifference(server.received.count, 200)
        }
    }
}

/// Waiting without a clock.
enum Gate {
    /// Returns once the task is cancelled.
    static func never() async {
        let (stream, _) = AsyncStream.makeStream(of: Void.self)
        for await _ in stream {}
    }
}

/// Lets others run until `condition` holds.
func waitUntil(_ condition: () -> Bool) async {
    while !condition() { await Task.yield() }
}
