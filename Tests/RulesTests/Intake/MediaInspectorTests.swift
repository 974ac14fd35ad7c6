import AsyncHTTPClient
import Conversations
import CustomDump
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import Testing

@testable import Rules

/// Looks at media over loopback HTTP.
@Suite(.timeLimit(.minutes(1)))
struct MediaInspectorTests {
    private static let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// What the inspector says of `path` on a server of this machine, and what it asked for.
    private func look(
        at path: String, allowsPrivateAddresses: Bool = true
    ) async throws -> (kind: MediaKind?, ranges: [String]) {
        let ranges = Mutex<[String]>([])
        let router = Router()
        router.get("/:name") { request, context in
            ranges.withLock { $0.append(request.headers[.range] ?? "none") }
            return try Self.answer(context.parameters.require("name"))
        }
        let (ports, bound) = AsyncStream.makeStream(of: Int.self)
        let server = Application(
            responder: router.buildResponder(),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { bound.yield($0.localAddress?.port ?? 0) }, logger: .silent)
        let group = ServiceGroup(services: [server], logger: .silent)
        let kind = try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let port = await iterator.next() ?? 0
            let kind = await Self.kind(of: "http://127.0.0.1:\(port)\(path)", allowsPrivateAddresses)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return kind
        }
        return (kind, ranges.withLock { $0 })
    }

    private static func kind(of url: String, _ allowsPrivateAddresses: Bool) async -> MediaKind? {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let kind = await MediaInspector(client: client, allowsPrivateAddresses: allowsPrivateAddresses).kind(of: url)
        try? await client.shutdown()
        return kind
    }

    private static func answer(_ name: String) throws -> Response {
        func response(_ status: HTTPResponse.Status, _ type: String?, _ bytes: [UInt8]) -> Response {
            var headers = HTTPFields()
            if let type { headers[.contentType] = type }
            if status == .found { headers[.location] = "/typed" }
            return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
        }
        switch name {
        case "typed": return response(.partialContent, "image/jpeg", [])
        case "bytes": return response(.ok, "application/octet-stream", png)
        case "large": return response(.ok, nil, png + [UInt8](repeating: 0, count: 4 << 20))
        case "moved": return response(.found, nil, [])
        case "unknown": return response(.ok, "application/octet-stream", [1, 2, 3])
        default: return response(.notFound, "image/png", png)
        }
    }

    @Test(arguments: [
        ("/typed", MediaKind.image), ("/bytes", .image), ("/large", .image), ("/unknown", nil), ("/missing", nil),
        ("/moved", nil),
    ])
    func `media is told by its type, else by its first bytes`(path: String, kind: MediaKind?) async throws {
        let look = try await look(at: path)
        expectNoDifference(look.kind, kind)
        expectNoDifference(look.ranges, ["bytes=0-511"])
    }

    @Test func `this machine is not asked unless the operator allows it`() async throws {
        let look = try await look(at: "/typed", allowsPrivateAddresses: false)
        expectNoDifference(look.kind, nil)
        expectNoDifference(look.ranges, [])
    }

    @Test(arguments: ["", "file:///etc/passwd", "ftp://example.com/a", "no url"])
    func `what is no web address is not looked at`(url: String) async {
        let kind = await Self.kind(of: url, true)
        expectNoDifference(kind, nil)
    }
}
