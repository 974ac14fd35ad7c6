import Conversations
import Foundation
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// A webhook's endpoint that notes the messages it was told of.
final class DeliverySink: Sendable {
    private struct State {
        var ids: Set<String> = []
        var waiters: [(ids: Set<String>, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    /// Returns once each of these messages was delivered.
    func receive(_ ids: Set<String>) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if ids.isSubset(of: state.ids) { return true }
                state.waiters.append((ids, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Runs `body` with the URL to deliver to.
    func serve(_ body: @Sendable (String) async throws -> Void) async throws {
        let (ports, bound) = AsyncStream<Int>.makeStream()
        let router = Router()
        router.post("/hook") { [self] request, _ in
            let data = Data(try await request.body.collect(upTo: 1 << 20).readableBytesView)
            if let id = (try? JSONValue(parsing: data))?["data"]?["messageId"]?.string { take(id) }
            return HTTPResponse.Status.ok
        }
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { bound.yield($0.localAddress?.port ?? 0) },
            logger: Logger(label: "sink", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            var iterator = ports.makeAsyncIterator()
            let port = await iterator.next() ?? 0
            defer { group.cancelAll() }
            try await body("http://127.0.0.1:\(port)/hook")
        }
    }

    private func take(_ id: String) {
        let woken = state.withLock { state in
            state.ids.insert(id)
            let woken = state.waiters.filter { $0.ids.isSubset(of: state.ids) }
            state.waiters.removeAll { $0.ids.isSubset(of: state.ids) }
            return woken
        }
        for waiter in woken { waiter.continuation.resume() }
    }
}
