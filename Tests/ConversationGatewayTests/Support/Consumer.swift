import Conversations
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization

@testable import ConversationGateway

/// A server that takes deliveries on a free port and answers as it is told.
final class Consumer: Sendable {
    struct Received: Sendable {
        var path: String
        var headers: [String: String]
        var body: Data
        var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
        var event: WebhookEvent? { try? WebhookEvent(parsing: body) }
    }

    enum Reaction: Sendable {
        case answer(Int)
        case redirect(String)
        /// Nothing until the server ends.
        case silence
    }

    private let received: AsyncStream<Received>
    private let sink: AsyncStream<Received>.Continuation
    private let silence: AsyncStream<Void>
    private let endOfSilence: AsyncStream<Void>.Continuation
    private let reaction: Mutex<Reaction>
    private let log = Mutex<[Received]>([])

    init(_ reaction: Reaction = .answer(200)) {
        (received, sink) = AsyncStream.makeStream()
        (silence, endOfSilence) = AsyncStream.makeStream()
        self.reaction = Mutex(reaction)
    }

    func react(_ reaction: Reaction) { self.reaction.withLock { $0 = reaction } }

    /// All deliveries so far.
    var deliveries: [Received] { log.withLock { $0 } }

    /// Waits for the next delivery; one caller at a time.
    func next() async -> Received? {
        var iterator = received.makeAsyncIterator()
        return await iterator.next()
    }

    /// Runs `body` with the URL to deliver to.
    func serving<Value: Sendable>(_ body: @Sendable (String) async throws -> Value) async throws -> Value {
        let (ports, bound) = AsyncStream<Int>.makeStream()
        let router = Router()
        router.post("/{path}") { [self] request, context in
            let data = try await request.body.collect(upTo: 1 << 20)
            let headers = request.headers.map { ($0.name.canonicalName, $0.value) }
            let entry = Received(
                path: request.uri.path, headers: Dictionary(headers, uniquingKeysWith: { $1 }),
                body: Data(data.readableBytesView))
            log.withLock { $0.append(entry) }
            sink.yield(entry)
            return await respond()
        }
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { bound.yield($0.localAddress?.port ?? 0) },
            logger: Logger(label: "consumer", factory: { _ in SwiftLogNoOpLogHandler() }))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.runUntilCancelled(logger: application.logger) }
            var iterator = ports.makeAsyncIterator()
            let port = await iterator.next() ?? 0
            let result = await Result { try await body("http://127.0.0.1:\(port)/hook") }
            endOfSilence.finish()
            group.cancelAll()
            return try result.get()
        }
    }

    private func respond() async -> Response {
        switch reaction.withLock({ $0 }) {
        case .answer(let status):
            return Response(status: .init(code: status), body: .init(byteBuffer: .init(string: "ok")))
        case .redirect(let target): return Response(status: .found, headers: [.location: target])
        case .silence:
            for await _ in silence {}
            return Response(status: .ok)
        }
    }
}

extension AsyncStream where Element: Sendable {
    /// Collects the next `count` elements.
    func prefix(collecting count: Int) async -> [Element] {
        var found: [Element] = []
        for await element in self {
            found.append(element)
            if found.count == count { break }
        }
        return found
    }
}
