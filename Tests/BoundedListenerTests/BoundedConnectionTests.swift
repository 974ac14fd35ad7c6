import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import BoundedListener

@Suite struct BoundedConnectionTests {
    private static let limits = ListenerLimits(
        connections: 2, headTimeout: .seconds(10), bodyTimeout: .seconds(30), idleTimeout: .seconds(60),
        lingerTimeout: .seconds(2))

    private static func connect(_ connections: OpenConnections = OpenConnections(limit: 2)) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(handler: BoundedConnection(limits: limits, connections: connections))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private static func post(_ channel: EmbeddedChannel, body: Int? = nil, ends: Bool = true) throws {
        try channel.writeInbound(
            HTTPRequestPart.head(HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/")))
        if let body { try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(repeating: 0x20, count: body))) }
        if ends { try channel.writeInbound(HTTPRequestPart.end(nil)) }
    }

    private static func answer(_ channel: EmbeddedChannel, closing: Bool = false) throws {
        var fields: HTTPFields = [.contentLength: "0"]
        if closing { fields[.connection] = "close" }
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok, headerFields: fields)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
    }

    private static func after(_ seconds: Int64, _ channel: EmbeddedChannel) {
        channel.embeddedEventLoop.advanceTime(by: .seconds(seconds))
    }

    @Test func `a connection that sends no request is closed after the head timeout`() throws {
        let channel = try Self.connect()
        Self.after(9, channel)
        #expect(channel.isActive)
        Self.after(1, channel)
        #expect(!channel.isActive)
    }

    @Test func `a body that trickles in is cut off after the body timeout`() throws {
        let channel = try Self.connect()
        Self.after(5, channel)
        try Self.post(channel, body: 1, ends: false)
        for _ in 0..<29 {
            Self.after(1, channel)
            try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "x")))
        }
        #expect(channel.isActive)
        Self.after(1, channel)
        #expect(!channel.isActive)
    }

    @Test func `an answer may take its time`() throws {
        let channel = try Self.connect()
        try Self.post(channel)
        Self.after(600, channel)
        #expect(channel.isActive)
    }

    @Test func `a connection kept alive is closed after the idle timeout`() throws {
        let channel = try Self.connect()
        for _ in 0..<3 {
            try Self.post(channel)
            try Self.answer(channel)
            Self.after(59, channel)
            #expect(channel.isActive)
        }
        Self.after(1, channel)
        #expect(!channel.isActive)
    }

    @Test func `the timeout of a body counts though a later one of the connection was set before`() throws {
        let channel = try Self.connect()
        try Self.post(channel)
        try Self.answer(channel)
        Self.after(1, channel)
        try Self.post(channel, body: 1, ends: false)
        Self.after(30, channel)
        #expect(!channel.isActive)
    }

    @Test func `an answer that says so closes the connection`() throws {
        let channel = try Self.connect()
        try Self.post(channel)
        try Self.answer(channel, closing: true)
        #expect(!channel.isActive)
    }

    @Test func `after a refusal the client has time to read it while the rest of its body is thrown away`() throws {
        let channel = try Self.connect()
        try Self.post(channel, body: 1000, ends: false)
        try Self.answer(channel, closing: true)
        try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(repeating: 0x20, count: 100_000)))
        #expect(channel.isActive)
        Self.after(2, channel)
        #expect(!channel.isActive)
    }

    @Test func `a refused body without end is cut off at a size`() throws {
        let channel = try Self.connect()
        try Self.post(channel, body: 1000, ends: false)
        try Self.answer(channel, closing: true)
        try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(repeating: 0x20, count: 300_000)))
        #expect(!channel.isActive)
    }

    @Test func `one connection too many takes the place of the one that has waited longest`() throws {
        let connections = OpenConnections(limit: 2)
        let (first, second) = (try Self.connect(connections), try Self.connect(connections))
        try Self.post(first)
        try Self.answer(first)
        let third = try Self.connect(connections)
        #expect(first.isActive && !second.isActive && third.isActive)
        #expect(connections.count == 2)
    }

    @Test func `a connection at work is never closed for a new one`() throws {
        let connections = OpenConnections(limit: 2)
        let (first, second) = (try Self.connect(connections), try Self.connect(connections))
        try Self.post(first)
        try Self.post(second)
        let third = try Self.connect(connections)
        #expect(first.isActive && second.isActive && !third.isActive)
        try Self.answer(first)
        #expect(try Self.connect(connections).isActive)
        #expect(!first.isActive && second.isActive)
    }

    @Test func `who waits is remembered at no more cost after a million requests`() throws {
        let connections = OpenConnections(limit: 2)
        let channel = EmbeddedChannel()
        let id = connections.opened(channel)
        for _ in 0..<1_000_000 {
            connections.works(id)
            connections.waits(id, channel)
        }
        #expect(connections.remembered < 200)
    }
}
