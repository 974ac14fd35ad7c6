public import HummingbirdCore
import NIOCore

/// Bounds on what the clients of one HTTP listener can take up: connections, time and header bytes.
public struct ListenerLimits: Sendable, Hashable {
    /// Connections open at once. Past it a new one takes the place of the one that has waited longest for a request.
    public var connections: Int
    /// How long a client may take for its first request's head, counted from the connection.
    public var headTimeout: Duration
    /// How long a client may take for a request's body, counted from its head.
    public var bodyTimeout: Duration
    /// How long a connection may wait for its next request.
    public var idleTimeout: Duration
    /// How long a connection stays open after an answer that closes it, so that the client can read the answer.
    public var lingerTimeout: Duration
    /// Bytes of a request's head.
    public var headBytes: Int

    public init(
        connections: Int = 1000, headTimeout: Duration = .seconds(10), bodyTimeout: Duration = .seconds(30),
        idleTimeout: Duration = .seconds(60), lingerTimeout: Duration = .seconds(2), headBytes: Int = 16 << 10
    ) {
        self.connections = connections
        self.headTimeout = headTimeout
        self.bodyTimeout = bodyTimeout
        self.idleTimeout = idleTimeout
        self.lingerTimeout = lingerTimeout
        self.headBytes = headBytes
    }

    /// A server that keeps these limits. Connections are counted for each server by itself.
    public var server: HTTPServerBuilder {
        let connections = OpenConnections(limit: connections)
        return .http1(
            configuration: .init(
                additionalChannelHandlers: [BoundedConnection(limits: self, connections: connections)],
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: headBytes, maxHeaderListSize: headBytes, maxHeaderFieldCount: 100)))
    }
}
