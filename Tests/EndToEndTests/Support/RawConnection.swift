import Foundation
import NIOCore
import NIOPosix

/// A TCP connection to a server, for requests that no client would make.
struct RawConnection: Sendable {
    private let channel: any Channel
    private let answer: EventLoopFuture<String>

    /// - Parameter url: Of the server; only host and port count.
    init(_ url: String) async throws {
        let parts = url.split(separator: "/")[1].split(separator: ":")
        let group = MultiThreadedEventLoopGroup.singleton
        let answer = group.any().makePromise(of: String.self)
        channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(answer: answer))
                }
            }
            .connect(host: String(parts[0]), port: Int(parts[1]) ?? 0).get()
        self.answer = answer.futureResult
    }

    /// Sends what it can: where the server has closed the connection already, `untilClosed` tells what it said.
    func send(_ text: String) async throws {
        do {
            try await channel.writeAndFlush(ByteBuffer(string: text))
        } catch ChannelError.ioOnClosedChannel {
        } catch let error as IOError where error.errnoCode == EPIPE || error.errnoCode == ECONNRESET {
        }
    }

    /// All that the server says until it closes the connection.
    var untilClosed: String { get async throws { try await answer.get() } }

    func close() { channel.close(promise: nil) }
}

private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let answer: EventLoopPromise<String>
    private var text = ""

    init(answer: EventLoopPromise<String>) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { text += String(buffer: unwrapInboundIn(data)) }

    func channelInactive(context: ChannelHandlerContext) { answer.succeed(text) }

    /// A reset is an end like any other here.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
