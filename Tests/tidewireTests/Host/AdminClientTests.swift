import Conversations
import CustomDump
import DurableExecution
import Foundation
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import tidewire

@Suite(.timeLimit(.minutes(1))) struct AdminClientTests {
    /// Takes requests and does with them what it is told.
    private final class Listener: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let answer: @Sendable (any NIOCore.Channel) -> Void

        init(_ answer: @escaping @Sendable (any NIOCore.Channel) -> Void) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { answer(context.channel) }
    }

    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder.url.path)
    }

    private var state: StateDirectory {
        get throws { try StateDirectory.existing(at: folder.url.path) }
    }

    /// - Returns: What asking for the status failed with.
    private func failure(of answer: @escaping @Sendable (any NIOCore.Channel) -> Void) async throws -> CommandError {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { $0.pipeline.addHandler(Listener(answer)) }
            .bind(unixDomainSocketPath: try state.adminSocket()).get()
        let error = try await failure()
        try await server.close()
        return error
    }

    private func failure() async throws -> CommandError {
        let state = try state
        var failure: (any Error)?
        try await withHTTPClient { client in
            do {
                _ = try await AdminClient(state, client: client, patience: .milliseconds(200)).status()
            } catch {
                failure = error
            }
        }
        return CommandError(try #require(failure))
    }

    @Test func `that nothing runs is said, and how to start it`() async throws {
        let error = try await failure()
        expectNoDifference(error.status, ExitStatus.unavailable)
        #expect(error.message.hasPrefix("no tidewire runs with the state directory"))
        try await withHTTPClient { client in
            let status = try await AdminClient(try state, client: client).statusIfReachable
            #expect(status == nil)
        }
    }

    @Test func `a host that does not answer in time is told from one that isn't there`() async throws {
        let error = try await failure { _ in }
        expectNoDifference(error.status, ExitStatus.unavailable)
        #expect(error.message.contains("did not answer within"))
    }

    @Test func `a host that breaks off is told from both`() async throws {
        let error = try await failure { $0.close(promise: nil) }
        #expect(error.message.contains("did not answer: "))
    }

    @Test func `an answer that breaks off in the middle is an error`() async throws {
        let error = try await failure { channel in
            let text = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"
            channel.writeAndFlush(ByteBuffer(string: text)).whenComplete { _ in channel.close(promise: nil) }
        }
        #expect(error.message.contains("did not answer: "))
    }

    @Test func `lines are whole however the bytes come`() {
        var splitter = LineSplitter()
        var lines: [String] = []
        for part in ["a", "b\nc\n", "", "\n", "d"] {
            lines += splitter.lines(in: Data(part.utf8)).map { String(decoding: $0, as: UTF8.self) }
        }
        expectNoDifference(lines, ["ab", "c", ""])
    }

    @Test func `a trace that is streamed is put together as it was`() async throws {
        let date = Date(timeIntervalSince1970: 1_736_942_400)
        let runs = (0..<2).map { place in
            let id = InvocationID(event: 1, place: place).text
            return InvocationTrace(
                invocation: Invocation(
                    id: id, event: 1, queue: "q", rule: "r\(place)", version: "1", createdAt: date, updatedAt: date),
                entries: (0..<3).map { position in
                    JournalEntry(
                        invocation: id, position: position, name: "get", input: Data("{}".utf8), effect: "read",
                        state: .succeeded, intendedAt: date)
                },
                logs: [RecordedLog(position: 1, line: LogLine(level: "info", message: "m"), at: date)])
        }
        let trace = EventTrace(
            event: Event(
                sequence: 1, identity: "i", queue: "q", kind: "message", source: "webhook", payload: Data("{}".utf8),
                occurredAt: date, acceptedAt: date),
            refusals: [Refusal(rule: "other", reason: "no")], invocations: runs)
        var pages = RehearsedPages(trace, isDryHost: nil)
        let parts = try #require(try await pages.next())
        let more = try await pages.next()
        #expect(more == nil)
        let whole = try #require(TraceRecord(parts))
        expectNoDifference(try JSON.encode(whole), try JSON.encode(TraceRecord(trace)))
        expectNoDifference(whole.runs.map(\.commands.count), [3, 3])
    }
}
