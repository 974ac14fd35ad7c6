import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes a connection whose client takes too long, and one whose answer says that it closes.
final class BoundedConnection: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Bytes of a body that are thrown away after an answer that closes the connection.
    private static let lingerBytes = 256 << 10

    private let limits: ListenerLimits
    private let connections: OpenConnections
    private var id: OpenConnections.ID?
    private var state = ConnectionState()
    private var timer: (end: NIODeadline, task: Scheduled<Void>)?

    init(limits: ListenerLimits, connections: OpenConnections) {
        self.limits = limits
        self.connections = connections
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let now = context.eventLoop.now
        switch unwrapInboundIn(data) {
        case .head:
            if let id { connections.works(id) }
            state.begunRequest(until: now + TimeAmount(limits.bodyTimeout))
        case .body(let bytes):
            if state.isClosing(afterDiscarding: bytes.readableBytes, of: Self.lingerBytes) {
                return context.close(promise: nil)
            }
        case .end:
            state.endedRequest()
            if state.isLingering { return context.close(promise: nil) }
        }
        context.fireChannelRead(data)
    }

    /// Not at each part: most requests come whole, and then there is nothing to time.
    func channelReadComplete(context: ChannelHandlerContext) {
        watch(context)
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head) where head.headerFields[.connection]?.lowercased() == "close":
            state.closesAfterAnswer = true
            context.write(data, promise: promise)
        case .head, .body:
            context.write(data, promise: promise)
        case .end:
            context.writeAndFlush(data, promise: promise)
            answered(context)
        }
    }

    private func answered(_ context: ChannelHandlerContext) {
        let now = context.eventLoop.now
        switch state.answered(
            idleUntil: now + TimeAmount(limits.idleTimeout), lingerUntil: now + TimeAmount(limits.lingerTimeout))
        {
        case .close: return context.close(promise: nil)
        case .wait: if let id { connections.waits(id, context.channel) }
        case .goOn: break
        }
        watch(context)
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard id == nil else { return }
        state.deadline = context.eventLoop.now + TimeAmount(limits.headTimeout)
        id = connections.opened(context.channel)
        watch(context)
    }

    private func end() {
        timer?.task.cancel()
        timer = nil
        guard let id else { return }
        self.id = nil
        connections.closed(id)
    }

    /// Sets a timer for the deadline, unless one is set that fires no later: that one looks again.
    private func watch(_ context: ChannelHandlerContext) {
        guard id != nil, let deadline = state.deadline else { return }
        if let timer {
            guard deadline < timer.end else { return }
            timer.task.cancel()
        }
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in
            timer = nil
            guard let deadline = state.deadline else { return }
            guard deadline <= context.eventLoop.now else { return watch(context) }
            context.close(promise: nil)
        }
        timer = (deadline, task)
    }
}

/// Where a connection stands between requests and answers.
struct ConnectionState {
    enum Next {
        case close, wait, goOn
    }

    /// When the client has taken too long; nil while it waits for us.
    var deadline: NIODeadline?
    /// Whether an answer said that the connection closes.
    var closesAfterAnswer = false
    private(set) var isLingering = false
    private var isReading = false
    /// Requests begun and not answered.
    private var unanswered = 0
    private var discarded = 0

    mutating func begunRequest(until end: NIODeadline) {
        isReading = true
        unanswered += 1
        if !isLingering { deadline = end }
    }

    mutating func endedRequest() {
        isReading = false
        if !isLingering { deadline = nil }
    }

    /// Whether so much of a body came after the answer that the connection is closed without waiting for its end.
    mutating func isClosing(afterDiscarding bytes: Int, of limit: Int) -> Bool {
        guard isLingering else { return false }
        discarded += bytes
        return discarded > limit
    }

    mutating func answered(idleUntil idle: NIODeadline, lingerUntil linger: NIODeadline) -> Next {
        unanswered = max(unanswered - 1, 0)
        if closesAfterAnswer {
            guard isReading else { return .close }
            isLingering = true
            deadline = linger
            return .goOn
        }
        guard unanswered == 0, !isReading else { return .goOn }
        deadline = idle
        return .wait
    }
}
