import Conversations
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// A conversations API with one conversation, that can be told to leave requests without an answer.
final class StubAPI: Sendable {
    private struct State {
        var metadata: JSONValue = .null
        /// `GET conversation`, `PATCH conversation`, `POST reaction`, …
        var log: [String] = []
        var silent: Set<String> = []
        var waiters: [(kind: String, continuation: CheckedContinuation<Void, Never>)] = []
        /// Requests that are left without an answer.
        var held: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var log: [String] { state.withLock { $0.log } }
    var metadata: JSONValue { state.withLock { $0.metadata } }

    /// Leaves requests of a kind without an answer from now on.
    func silence(_ kind: String) { state.withLock { _ = $0.silent.insert(kind) } }

    func answerAll() { state.withLock { $0.silent = [] } }

    /// Waits until a request of a kind has come.
    func request(_ kind: String) async {
        await withCheckedContinuation { continuation in
            let hasCome = state.withLock { state in
                if state.log.contains(kind) { return true }
                state.waiters.append((kind, continuation))
                return false
            }
            if hasCome { continuation.resume() }
        }
    }

    /// Serves until `body` is over.
    func serve<Result: Sendable>(
        _ body: @escaping @Sendable (_ url: String) async throws -> Result
    ) async throws -> Result {
        try await LoopbackServer.serve(respond, releasing: release, while: body)
    }

    /// Lets go of the requests that were left without an answer.
    private func release() {
        let held = state.withLock { state in
            state.silent = []
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    private func hold() async {
        await withCheckedContinuation { continuation in
            state.withLock { $0.held.append(continuation) }
        }
    }

    private func respond(_ request: Request) async throws -> Response {
        let kind = Self.kind(of: request)
        let body = try await request.body.collect(upTo: 1 << 20)
        let (isSilent, waiters) = state.withLock { state in
            state.log.append(kind)
            let woken = state.waiters.filter { $0.kind == kind }
            state.waiters.removeAll { $0.kind == kind }
            return (state.silent.contains(kind), woken)
        }
        for waiter in waiters { waiter.continuation.resume() }
        if isSilent { await hold() }
        return Self.json(try answer(to: kind, Data(body.readableBytesView)))
    }

    private static func kind(of request: Request) -> String {
        let path = request.uri.path
        let subject =
            path.hasSuffix("/reactions") ? "reaction" : path.hasSuffix("/messages") ? "messages" : "conversation"
        return "\(request.method.rawValue) \(subject)"
    }

    private func answer(to kind: String, _ body: Data) throws -> JSONValue {
        switch kind {
        case "POST reaction":
            return ["id": "rxn_1", "reactionType": "love", "messageId": "msg_1", "channel": "imessage"]
        case "PATCH conversation":
            let metadata = try JSONValue(parsing: body)["metadata"] ?? .null
            state.withLock { $0.metadata = metadata }
        default: break
        }
        return [
            "id": "conv_1", "agentId": "agt_1", "phoneNumberId": "num_1", "phoneNumber": "+15551234567",
            "participant": "+15559876543", "lastMessageAt": "2025-01-15T12:00:00Z", "messageCount": 1,
            "metadata": metadata, "createdAt": "2025-01-15T11:30:00Z", "messages": [],
        ]
    }

    private static func json(_ value: JSONValue) -> Response {
        let body = (try? value.text()) ?? Data()
        return Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}
