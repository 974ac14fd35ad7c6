import BoundedListener
import Conversations
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Rules
import Synchronization

/// Receives the provider's deliveries over HTTP.
struct WebhookServer: Sendable {
    let listen: ListenAddress
    let path: String
    /// Bytes.
    let bodyLimit: Int
    let limits: ListenerLimits
    let memory: BodyMemory
    let receiver: WebhookReceiver
    let monitor: Monitor

    /// The server, and what tells its port once it listens.
    func application(bound: BoundPort, logger: Logger) -> Application<RouterResponder<BasicRequestContext>> {
        let router = Router()
        router.post(RouterPath(path)) { request, _ in try await self.receive(request) }
        monitor.addHealth(to: router)
        return Application(
            responder: router.buildResponder(), server: limits.server,
            configuration: ApplicationConfiguration(
                address: .hostname(listen.host, port: listen.port), serverName: "tidewire"),
            onServerRunning: { channel in bound.succeed(channel.localAddress?.port ?? 0) },
            logger: logger.forServers)
    }

    /// What is refused closes the connection: the rest of the body is not read, and whoever floods has to connect anew.
    private func receive(_ request: Request) async throws -> Response {
        let headers = WebhookHeaders(
            signature: Self.value(of: WebhookSignature.signatureHeader, in: request),
            timestamp: Self.value(of: WebhookSignature.timestampHeader, in: request),
            delivery: Self.value(of: WebhookSignature.deliveryHeader, in: request))
        if let refusal = receiver.refuse(headers) { return Self.response(refusal) }
        // Without a length (chunked) the body may become as large as the limit.
        let length = request.headers[.contentLength].flatMap { Int($0) } ?? bodyLimit
        guard length <= bodyLimit else { return Self.response(receiver.refuseTooLarge(limit: bodyLimit)) }
        guard memory.take(length) else { return Self.response(receiver.refuseBusy()) }
        defer { memory.giveBack(length) }
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: bodyLimit)
        } catch is NIOTooManyBytesError {
            return Self.response(receiver.refuseTooLarge(limit: bodyLimit))
        }
        return Self.response(await receiver.receive(Data(body.readableBytesView), headers: headers))
    }

    private static func value(of header: String, in request: Request) -> String? {
        request.headers.first { $0.name.rawName.caseInsensitiveCompare(header) == .orderedSame }?.value
    }

    private static func response(_ answer: WebhookAnswer) -> Response {
        var headers: HTTPFields = [.contentType: "application/json"]
        if answer.status != 200 { headers[.connection] = "close" }
        if answer.status == 503 { headers[.retryAfter] = "5" }
        let body = (try? JSONEncoder().encode(["status": answer.reason, "message": answer.message])) ?? Data()
        return Response(
            status: .init(code: answer.status), headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}

/// The memory that bodies take up while they are read, all of them together.
final class BodyMemory: Sendable {
    private let limit: Int
    private let taken = Mutex(0)

    /// - Parameter limit: Bytes.
    init(limit: Int) { self.limit = limit }

    /// - Returns: False, with nothing taken, if that is more than there is.
    func take(_ bytes: Int) -> Bool {
        taken.withLock { taken in
            guard bytes <= limit - taken else { return false }
            taken += bytes
            return true
        }
    }

    func giveBack(_ bytes: Int) { taken.withLock { $0 -= bytes } }
}

/// The port a server came to listen on, for those who wait to know.
final class BoundPort: Sendable {
    private enum State {
        case waiting([CheckedContinuation<Int, Never>])
        case bound(Int)
    }

    /// Opens as the server listens.
    let isBound = StartGate()
    private let state = Mutex(State.waiting([]))

    /// Waits until the server listens.
    var value: Int {
        get async {
            await withCheckedContinuation { continuation in
                state.withLock { state in
                    switch state {
                    case .waiting(let others): state = .waiting(others + [continuation])
                    case .bound(let port): continuation.resume(returning: port)
                    }
                }
            }
        }
    }

    func succeed(_ port: Int) {
        isBound.open()
        let waiting = state.withLock { state in
            guard case .waiting(let continuations) = state else { return [CheckedContinuation<Int, Never>]() }
            state = .bound(port)
            return continuations
        }
        for continuation in waiting { continuation.resume(returning: port) }
    }
}
