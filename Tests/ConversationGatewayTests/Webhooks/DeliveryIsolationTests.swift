import Conversations
import CustomDump
import Foundation
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import ConversationGateway

/// One consumer is as bad as can be; another gets its deliveries all the same.
@Suite(.timeLimit(.minutes(1))) struct DeliveryIsolationTests {
    enum Fault: Sendable, CaseIterable {
        /// What is no HTTP.
        case garbage
        case endlessHeaders
        case endlessBody
        case hangingUp
        case redirectingToItself
    }

    @Test(arguments: Fault.allCases)
    func `a consumer that answers nonsense costs others nothing`(fault: Fault) async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let quick = Consumer()
        let bad = try await RawServer(fault)
        try await quick.serving { quickURL in
            let attempts = attempts(of: fixture.gateway)
            try await fixture.running { _ in
                let gateway = fixture.gateway
                let other = try await Self.numberWithBadWebhook(gateway, bad.url)
                _ = try await gateway.setWebhook(WebhookRequest(url: quickURL))
                for index in 10..<40 { try await gateway.phones.send(from: "+155500000\(index)", body: "x") }
                for index in 0..<5 {
                    try await gateway.phones.send(from: "+15559876543", to: other, body: "\(index)")
                    expectSame(await quick.next()?.json["data"]?["message"], .string("\(index)"))
                }
                // Each of the bad one's attempts comes to an end as well.
                let records = await attempts.prefix(collecting: 35).filter {
                    $0.httpStatus != 200 || fault == .endlessBody
                }
                #expect(records.count >= 30)
                #expect(records.allSatisfy { ($0.responseBody?.utf8.count ?? 0) <= 1024 })
            }
        }
        try await bad.close()
    }

    @Test func `a consumer that is down for a day costs others nothing, and gets what comes later`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let consumer = Consumer()
        try await consumer.serving { url in
            let attempts = attempts(of: fixture.gateway)
            try await fixture.running { _ in
                let gateway = fixture.gateway
                let other = try await Self.numberWithBadWebhook(gateway, "http://127.0.0.1:1/hook")
                _ = try await gateway.setWebhook(WebhookRequest(url: url))
                for index in 10..<40 { try await gateway.phones.send(from: "+155500000\(index)", body: "x") }
                var iterator = attempts.makeAsyncIterator()
                for delay in GatewayConfiguration.defaultRetryDelays + [.zero] {
                    try await gateway.phones.send(from: "+15559876543", to: other, body: "\(delay)")
                    expectSame(await consumer.next()?.json["data"]?["message"], .string("\(delay)"))
                    for _ in 0..<31 { _ = await iterator.next() }
                    fixture.clock.advance(by: delay)
                }
                let statuses = try await gateway.store.read { try DeliveryTable.statuses($0) }
                expectNoDifference(statuses.filter { $0 == "failed" }.count, 30)
                expectNoDifference(statuses.filter { $0 == "success" }.count, 6)
                let agent = try await gateway.agents(limit: 1, offset: 0).data[0].id
                _ = try await gateway.setWebhook(WebhookRequest(url: url), for: .agent(agent))
                try await gateway.phones.send(from: "+15550000010", body: "back again")
                expectSame(await consumer.next()?.json["data"]?["message"], "back again")
            }
        }
    }

    private func attempts(of gateway: Gateway) -> AsyncStream<DeliveryRecord> {
        let (stream, continuation) = AsyncStream<DeliveryRecord>.makeStream()
        gateway.deliveryObserver.withLock { $0 = { continuation.yield($0) } }
        return stream
    }

    /// Gives the first number's agent a webhook of its own.
    ///
    /// - Returns: Another number, whose events go to the project's webhook.
    private static func numberWithBadWebhook(_ gateway: Gateway, _ url: String) async throws -> String {
        let agent = try await gateway.agents(limit: 1, offset: 0).data[0].id
        _ = try await gateway.setWebhook(WebhookRequest(url: url), for: .agent(agent))
        return try await gateway.createNumber(NumberBody()).number.phoneNumber
    }
}

/// A server that answers each connection with bytes, whatever it is asked.
private final class RawServer: Sendable {
    private let channel: any NIOCore.Channel
    let url: String

    init(_ fault: DeliveryIsolationTests.Fault) async throws {
        channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answering(fault))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        url = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)/hook"
    }

    func close() async throws { try await channel.close() }
}

private final class Answering: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let fault: DeliveryIsolationTests.Fault
    private var hasAnswered = false

    init(_ fault: DeliveryIsolationTests.Fault) { self.fault = fault }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasAnswered else { return }
        hasAnswered = true
        let kilobytes = String(repeating: "x", count: 64 << 10)
        switch fault {
        case .garbage: write("SSH-2.0-OpenSSH_9.2\r\n\r\n", context)
        case .endlessHeaders:
            write("HTTP/1.1 200 OK\r\n" + (0..<100).map { "X-\($0): \(kilobytes)\r\n" }.joined(), context)
        case .endlessBody:
            write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n" + kilobytes, context)
        case .hangingUp: context.close(promise: nil)
        case .redirectingToItself:
            write("HTTP/1.1 302 Found\r\nLocation: /hook\r\nContent-Length: 0\r\n\r\n", context)
            hasAnswered = false
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func write(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }
}
