import AsyncHTTPClient
import Conversations
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import Synchronization

/// Stands between a host and the gateway, in both directions, and kills one of them at the instant it was told.
final class KillingProxy: Sendable {
    /// Where in a request's way the process is killed.
    enum Instant: CaseIterable {
        /// The request was sent and nothing came of it.
        case beforeEffect
        /// Its effect took place, and nobody heard of it.
        case afterEffect
    }

    private struct Trap {
        var methods: Set<String>
        /// How many of these requests pass before.
        var passes: Int
        var instant: Instant
        var process: Int32
    }

    private struct State {
        var gateway = ""
        var webhook: String?
        var trap: Trap?
        var effects: [String] = []
        /// Who waits until there are so many effects.
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        /// Who waits for the host's next look at all conversations.
        var pollWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Where the gateway listens now.
    var gateway: String {
        get { state.withLock { $0.gateway } }
        set { state.withLock { $0.gateway = newValue } }
    }

    /// Messages and reactions that were handed to the gateway, as `path body`.
    var effects: [String] { state.withLock { $0.effects } }

    /// Waits until so many messages and reactions were handed to the gateway.
    func effects(atLeast count: Int) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.effects.count < count { state.waiters.append((count, continuation)) }
                return state.effects.count >= count
            }
            if isReached { continuation.resume() }
        }
    }

    /// Waits until the host lists the conversations the next time, or the task is cancelled.
    func poll() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { $0.pollWaiters.append(continuation) }
                if Task.isCancelled { notePoll() }
            }
        } onCancel: {
            notePoll()
        }
    }

    private func notePoll() {
        let waiters = state.withLock { state in
            defer { state.pollWaiters = [] }
            return state.pollWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private func note(_ effect: String) {
        let satisfied = state.withLock { state in
            state.effects.append(effect)
            let count = state.effects.count
            defer { state.waiters.removeAll { $0.count <= count } }
            return state.waiters.filter { $0.count <= count }
        }
        for waiter in satisfied { waiter.continuation.resume() }
    }

    /// Where the host receives webhooks now; deliveries are refused while there is none.
    func setWebhook(_ url: String?) { state.withLock { $0.webhook = url } }

    /// Has `process` killed at a request of these methods, after so many others of them.
    func arm(_ methods: Set<String>, after passes: Int, _ instant: Instant, process: Int32) {
        state.withLock { $0.trap = Trap(methods: methods, passes: passes, instant: instant, process: process) }
    }

    func disarm() { state.withLock { $0.trap = nil } }

    func respond(_ request: Request) async throws -> Response {
        let body = Data(try await request.body.collect(upTo: 1 << 20).readableBytesView)
        if request.uri.path == "/webhook" { return try await deliver(request, body) }
        if request.uri.path == "/v1/conversations" { notePoll() }
        let sprung = spring(request.method.rawValue)
        if let sprung, sprung.instant == .beforeEffect {
            kill(sprung.process, SIGKILL)
            return Response(status: .serviceUnavailable)
        }
        if request.method == .post {
            let text = "\(request.uri.path) \(String(decoding: body, as: UTF8.self))"
            note(text)
        }
        // Also where the gateway loses the answer: who was to be killed is waited for.
        defer { if let sprung { kill(sprung.process, SIGKILL) } }
        return try await Self.pass(request, body, to: gateway + request.uri.string)
    }

    private func deliver(_ request: Request, _ body: Data) async throws -> Response {
        guard let webhook = state.withLock({ $0.webhook }) else { return Response(status: .badGateway) }
        do {
            return try await Self.pass(request, body, to: webhook)
        } catch {
            return Response(status: .badGateway)
        }
    }

    private func spring(_ method: String) -> Trap? {
        state.withLock { state in
            guard let trap = state.trap, trap.methods.contains(method) else { return nil }
            guard trap.passes == 0 else {
                state.trap?.passes -= 1
                return nil
            }
            state.trap = nil
            return trap
        }
    }

    private static func pass(_ request: Request, _ body: Data, to url: String) async throws -> Response {
        var forwarded = HTTPClientRequest(url: url)
        forwarded.method = HTTPMethod(rawValue: request.method.rawValue)
        for field in request.headers where field.name != .contentLength && field.name != .connection {
            forwarded.headers.add(name: field.name.rawName, value: field.value)
        }
        if !body.isEmpty { forwarded.body = .bytes(ByteBuffer(bytes: body)) }
        let answer = try await HTTPClient.shared.execute(forwarded, timeout: .seconds(30))
        let content = try await answer.body.collect(upTo: 4 << 20)
        return Response(
            status: .init(code: Int(answer.status.code)), headers: [.contentType: "application/json"],
            body: .init(byteBuffer: content))
    }
}
