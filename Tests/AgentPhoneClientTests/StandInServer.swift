import AgentPhoneClient
import AsyncHTTPClient
import Conversations
import Foundation
import Hummingbird
import NIOCore
import Synchronization
import TestSupport

/// A server on a port of its own that answers what a test tells it to, and keeps what it was asked.
struct StandInServer {
    struct Received: Hashable, Sendable {
        var method: String
        /// Path and query, as they came.
        var target: String
        var headers: [String: String]
        var body: String

        var line: String { "\(method) \(target)" }
    }

    struct Reply: Sendable {
        var status = 200
        var headers: [String: String] = [:]
        var body = ""
        /// Bytes that are announced, but never come: the connection is cut instead.
        var missingByteCount = 0
        /// Whether the connection is cut instead of an answer.
        var isCut = false
        /// Waits before the head is sent.
        var hold: (@Sendable () async -> Void)?
    }

    private final class Log: Sendable {
        let received = Mutex<[Received]>([])
    }

    let baseURL: String
    private let log: Log

    var received: [Received] { log.received.withLock { $0 } }

    /// Runs a server that gives `reply` to everything, and a client for it.
    ///
    /// - Parameter bodyLimit: Bytes of the largest answer that the client reads.
    static func run(
        _ reply: Reply, bodyLimit: Int = AgentPhoneConfiguration.defaultBodyLimit,
        timeout: Duration = .seconds(30), clock: any Clock<Duration> = ManualClock(), httpClient: HTTPClient? = nil,
        _ test: @Sendable (StandInServer, AgentPhoneClient) async throws -> Void
    ) async throws {
        let log = Log()
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            responder: CallbackResponder<ChannelContext> { request, context in
                let response = try await answer(request, reply, log)
                if reply.isCut { try await context.channel.close() }
                return response
            },
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in port.yield(channel.localAddress?.port ?? 0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            defer { group.cancelAll() }
            guard let number = await ports.first(where: { _ in true }) else { return }
            let server = StandInServer(baseURL: "http://127.0.0.1:\(number)", log: log)
            let configuration = try AgentPhoneConfiguration(
                baseURL: server.baseURL, apiKey: "sk_test_1", timeout: timeout, bodyLimit: bodyLimit)
            try await test(
                server,
                AgentPhoneClient(
                    configuration, httpClient: httpClient, clock: clock,
                    now: { Date(timeIntervalSince1970: 1_736_942_400) }))
        }
    }

    private static func answer(_ request: Request, _ reply: Reply, _ log: Log) async throws -> Response {
        let body = try await request.body.collect(upTo: 1_000_000)
        let fields = request.headers.map { ($0.name.canonicalName, $0.value) }
        log.received.withLock { received in
            received.append(
                Received(
                    method: request.method.rawValue, target: request.uri.description,
                    headers: Dictionary(fields, uniquingKeysWith: { $0 + "," + $1 }), body: String(buffer: body)))
        }
        await reply.hold?()
        var headers = HTTPFields()
        for (name, value) in reply.headers {
            guard let name = HTTPFields.Element.Name(name) else { continue }
            headers[name] = value
        }
        let buffer = ByteBuffer(string: reply.body)
        guard reply.missingByteCount > 0 else {
            return Response(status: .init(code: reply.status), headers: headers, body: .init(byteBuffer: buffer))
        }
        let length = buffer.readableBytes + reply.missingByteCount
        return Response(
            status: .init(code: reply.status), headers: headers,
            body: ResponseBody(contentLength: length) { writer in
                try await writer.write(buffer)
                throw Cut()
            })
    }

    private struct Cut: Error {}
}

/// A context that keeps the connection at hand.
private struct ChannelContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any NIOCore.Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}

/// A port of this machine at which nobody listens: it was taken and given back.
func unusedPort() async throws -> Int {
    let bound = Mutex(0)
    try await StandInServer.run(StandInServer.Reply()) { server, _ in
        bound.withLock { $0 = URLComponents(string: server.baseURL)?.port ?? 0 }
    }
    return bound.withLock { $0 }
}
