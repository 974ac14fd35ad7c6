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
    let receiver: WebhookReceiver
    let monitor: Monitor

    /// The server, and what tells its port once it listens.
    func application(bound: BoundPort, logger: Logger) -> Application<RouterResponder<BasicRequestContext>> {
        let router = Router()
        router.post(RouterPath(path)) { request, _ in try await self.receive(request) }
        monitor.addHealth(to: router)
        return Application(
            responder: router.buildResponder(),
            configuration: ApplicationConfiguration(
                address: .hostname(listen.host, port: listen.port), serverName: "tidewire"),
            onServerRunning: { channel in bound.succeed(channel.localAddress?.port ?? 0) },
            logger: logger.forServers)
    }

    private func receive(_ request: Request) async throws -> Response {
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: bodyLimit)
        } catch is NIOTooManyBytesError {
            let answer = receiver.refuseTooLarge(limit: bodyLimit)
            // The rest of the body is not read, so the connection can't be used again.
            return Self.response(answer, closing: true)
        }
        let headers = WebhookHeaders(
            signature: Self.value(of: WebhookSignature.signatureHeader, in: request),
            timestamp: Self.value(of: WebhookSignature.timestampHeader, in: request),
            delivery: Self.value(of: WebhookSignature.deliveryHeader, in: request))
        return Self.response(await receiver.receive(Data(body.readableBytesView), headers: headers), closing: false)
    }

    private static func value(of header: String, in request: Request) -> String? {
        request.headers.first { $0.name.rawName.caseInsensitiveCompare(header) == .orderedSame }?.value
    }

    private static func response(_ answer: WebhookAnswer, closing: Bool) -> Response {
        var headers: HTTPFields = [.contentType: "application/json"]
        if closing { headers[.connection] = "close" }
        if answer.status == 503 { headers[.retryAfter] = "5" }
        let body = (try? JSONEncoder().encode(["status": answer.reason, "message": answer.message])) ?? Data()
        return Response(
            status: .init(code: answer.status), headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
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
