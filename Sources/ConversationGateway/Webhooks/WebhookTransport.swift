import AsyncHTTPClient
import Conversations
import Foundation
import NIOCore
import NIOHTTP1

/// Makes one attempt of a delivery. Answers are judged elsewhere; redirects are answers like any other.
final class WebhookTransport: Sendable {
    /// What is kept of an answer's body.
    private static let responseByteLimit = 1024

    private let guardian: AddressGuard
    private let client: HTTPClient

    init(guardian: AddressGuard) {
        self.guardian = guardian
        client = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: Self.configuration())
    }

    func shutdown() async throws {
        try await client.shutdown()
    }

    /// Makes the attempt, and gives it up once the webhook's timeout has passed on `clock`.
    func post(
        _ delivery: DueDelivery, at instant: Timestamp, timeoutBy clock: any Clock<Duration>
    ) async -> DeliveryOutcome {
        await withTaskGroup(of: DeliveryOutcome.self) { group in
            group.addTask { await self.post(delivery, at: instant) }
            group.addTask {
                try? await clock.sleep(for: delivery.timeout)
                return .timedOut
            }
            let first = await group.next() ?? .timedOut
            group.cancelAll()
            return first
        }
    }

    private func post(_ delivery: DueDelivery, at instant: Timestamp) async -> DeliveryOutcome {
        do {
            switch try await guardian.check(url: delivery.url) {
            case .unrestricted:
                return try await post(delivery, at: instant, with: client)
            case .pinned(let host, let address):
                // The very address that was found public is the one to connect to: DNS may say otherwise a moment later.
                var configuration = Self.configuration()
                configuration.dnsOverride = [host: address]
                let pinned = HTTPClient(
                    eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
                let result = await Result { try await post(delivery, at: instant, with: pinned) }
                try? await pinned.shutdown()
                return try result.get()
            case .refused(let reason):
                return .refused(reason)
            }
        } catch {
            return .disconnected("no connection to the endpoint: \(error)")
        }
    }

    private func post(
        _ delivery: DueDelivery, at instant: Timestamp, with client: HTTPClient
    ) async throws -> DeliveryOutcome {
        let seconds = instant.microseconds / 1_000_000
        let body = Data(delivery.payload.utf8)
        var request = HTTPClientRequest(url: delivery.url)
        request.method = .POST
        request.headers = [
            "Content-Type": "application/json",
            "User-Agent": "Tidewire-Gateway/1",
            WebhookSignature.signatureHeader: WebhookSignature.sign(body, timestamp: seconds, secret: delivery.secret),
            WebhookSignature.timestampHeader: String(seconds),
            WebhookSignature.deliveryHeader: delivery.id,
            WebhookSignature.eventHeader: delivery.event,
        ]
        request.body = .bytes(ByteBuffer(bytes: body + Data((delivery.tampering ?? "").utf8)))
        // The webhook's own timeout is kept by the caller's clock; this one only ends what that clock forgot.
        let response = try await client.execute(request, timeout: .seconds(3600))
        return .answered(status: Int(response.status.code), body: try await Self.start(of: response.body))
    }

    private static func start(of body: HTTPClientResponse.Body) async throws -> String {
        var start = ByteBuffer()
        for try await part in body {
            start.writeImmutableBuffer(part)
            if start.readableBytes >= responseByteLimit { break }
        }
        return String(buffer: start.getSlice(at: 0, length: min(start.readableBytes, responseByteLimit)) ?? start)
            .replacingOccurrences(of: "\0", with: "\u{FFFD}")
    }

    private static func configuration() -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(10)
        configuration.httpVersion = .http1Only
        // The ladder repeats; a connection that fails is a failed attempt.
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }
}

extension Result where Failure == any Error {
    init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
