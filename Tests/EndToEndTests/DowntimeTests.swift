import AsyncHTTPClient
import Conversations
import CustomDump
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

/// What people wrote while the host was down, and while it reads that.
@Suite(.timeLimit(.minutes(3)))
struct DowntimeTests {
    private static let rule = """
        return { on = "message", run = function(message) message.conversation:send("got " .. message.body) end }
        """
    private static let phones = (10...29).map { "+15559876\($0)0" }

    @Test func `what came while nothing ran is answered before what comes during the start, in the order of sending`()
        async throws
    {
        let (place, gatewayPlace) = (try Workplace(), try Workplace())
        try place.save(Self.rule, as: "answer")
        let retries = (0..<20).map { _ in "100ms" }.joined(separator: ",")
        let gateway = try await GatewayProduct(gatewayPlace, ["gateway.retry_delays": retries])
        let door = Door(gateway: gateway.api.base)
        try await LoopbackServer.serve(door.respond, releasing: door.release) { base in
            let webhook = try await gateway.api.post("/v1/webhooks", ["url": .string(base + "/webhook")])
            let secret = try #require(webhook.json["secret"]?.string)
            for number in 1...3 {
                for phone in Self.phones { try await Self.text("\(number)", from: phone, gateway) }
            }
            door.holdReading()
            let host = try Product(
                place.arguments(
                    "serve", ["api.base_url": base, "source": "both", "poll.interval": "100ms"], [place.pack.path]),
                environment: ["TIDEWIRE_API_KEY": gateway.api.token ?? "", "TIDEWIRE_WEBHOOK_SECRETS": secret])
            let listening = Task {
                let line = try #require(await host.output.next(holding: "  webhooks  "), "\(host.errors.all)")
                door.setWebhook(line.split(separator: " ").last.map(String.init))
            }
            await door.reading()
            let before = door.deliveries
            for phone in Self.phones { try await Self.text("4", from: phone, gateway) }
            // Each of them was brought to the door, open or not.
            await door.deliveries(atLeast: before + 2 * Self.phones.count)
            door.release()
            try await listening.value
            for phone in Self.phones {
                let answers = try await Self.answers(to: phone, count: 4, gateway)
                expectNoDifference(answers, ["got 1", "got 2", "got 3", "got 4"], "\(phone)")
            }
            #expect(await host.stop() == 0)
        }
        #expect(await gateway.product.stop() == 0)
    }

    @Test func `a start whose API doesn't answer opens its door after a while, and says so`() async throws {
        let place = try Workplace()
        try place.save(Self.rule, as: "answer")
        let settings = [
            "api.base_url": "http://127.0.0.1:1", "source": "both", "poll.catch_up": "300ms", "api.timeout": "1s",
        ]
        let host = try Product(
            place.arguments("serve", settings, [place.pack.path]),
            environment: ["TIDEWIRE_API_KEY": "key", "TIDEWIRE_WEBHOOK_SECRETS": "secret"])
        await host.errors.next(holding: "poll.catch_up")
        let line = await host.output.next(holding: "  webhooks  ")
        let url = try #require(line?.split(separator: " ").last.map(String.init))
        let answer = try await HTTP(base: url).post("", [:])
        expectNoDifference(answer.status, 401)
        #expect(await host.stop() == 0)
    }

    private static func text(_ body: String, from phone: String, _ gateway: GatewayProduct) async throws {
        let answer = try await gateway.phones.post("/sim/messages", ["from": .string(phone), "body": .string(body)])
        expectNoDifference(answer.status, 200)
    }

    /// The host's messages to a phone, oldest first, once there are so many.
    private static func answers(to phone: String, count: Int, _ gateway: GatewayProduct) async throws -> [String] {
        while true {
            try Task.checkCancellation()
            let path = "/sim/phones/%2B\(phone.dropFirst())/messages?limit=200"
            let messages = try await gateway.phones.get(path).json["data"]?.items ?? []
            let answers = messages.compactMap { $0["body"]?.string }.filter { $0.hasPrefix("got ") }
            if answers.count >= count { return answers.reversed() }
        }
    }
}

/// Stands between a host and the gateway: brings webhooks where they are received, and can hold up whoever reads.
private final class Door: Sendable {
    private struct State {
        var webhook: String?
        var deliveries = 0
        var isHolding = false
        var held: [CheckedContinuation<Void, Never>] = []
        var watchers: [CheckedContinuation<Void, Never>] = []
        var counters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let gateway: String
    private let state = Mutex(State())

    init(gateway: String) { self.gateway = gateway }

    /// How many were brought here, received or not.
    var deliveries: Int { state.withLock { $0.deliveries } }

    /// Waits until so many were brought here.
    func deliveries(atLeast count: Int) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.deliveries < count { state.counters.append((count, continuation)) }
                return state.deliveries >= count
            }
            if isReached { continuation.resume() }
        }
    }

    func setWebhook(_ url: String?) { state.withLock { $0.webhook = url } }

    func holdReading() { state.withLock { $0.isHolding = true } }

    /// Waits until somebody who reads is held up.
    func reading() async {
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                if state.held.isEmpty { state.watchers.append(continuation) }
                return !state.held.isEmpty
            }
            if isHeld { continuation.resume() }
        }
    }

    func release() {
        let held = state.withLock { state in
            state.isHolding = false
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    private func hold() async {
        await withCheckedContinuation { continuation in
            let (passes, watchers) = state.withLock { state in
                guard state.isHolding else { return (true, [CheckedContinuation<Void, Never>]()) }
                state.held.append(continuation)
                defer { state.watchers = [] }
                return (false, state.watchers)
            }
            if passes { continuation.resume() }
            for watcher in watchers { watcher.resume() }
        }
    }

    func respond(_ request: Request) async throws -> Response {
        let body = Data(try await request.body.collect(upTo: 1 << 20).readableBytesView)
        guard request.uri.path == "/webhook" else {
            if request.method == .get { await hold() }
            return try await Self.pass(request, body, to: gateway + request.uri.string)
        }
        let (webhook, reached) = state.withLock { state in
            state.deliveries += 1
            let reached = state.counters.filter { $0.count <= state.deliveries }
            state.counters.removeAll { $0.count <= state.deliveries }
            return (state.webhook, reached)
        }
        for counter in reached { counter.continuation.resume() }
        guard let webhook, let answer = try? await Self.pass(request, body, to: webhook) else {
            return Response(status: .badGateway)
        }
        return answer
    }

    private static func pass(_ request: Request, _ body: Data, to url: String) async throws -> Response {
        var forwarded = HTTPClientRequest(url: url)
        forwarded.method = HTTPMethod(rawValue: request.method.rawValue)
        for field in request.headers where field.name != .contentLength && field.name != .connection {
            forwarded.headers.add(name: field.name.rawName, value: field.value)
        }
        if !body.isEmpty { forwarded.body = .bytes(ByteBuffer(bytes: body)) }
        let answer = try await HTTPClient.shared.execute(forwarded, timeout: .seconds(30))
        return Response(
            status: .init(code: Int(answer.status.code)), headers: [.contentType: "application/json"],
            body: .init(byteBuffer: try await answer.body.collect(upTo: 4 << 20)))
    }
}
