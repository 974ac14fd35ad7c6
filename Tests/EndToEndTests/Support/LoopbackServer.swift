import Hummingbird
import Logging
import ServiceLifecycle

/// A server in the test's own process, on any free port of this machine.
enum LoopbackServer {
    /// Answers with `respond` until `body` is over.
    ///
    /// It is stopped gracefully, since one that is cancelled can end the whole process.
    ///
    /// - Parameter release: Lets go of requests that were left without an answer.
    static func serve<Result: Sendable>(
        _ respond: @escaping @Sendable (Request) async throws -> Response,
        releasing release: @escaping @Sendable () -> Void = {},
        while body: @escaping @Sendable (_ url: String) async throws -> Result
    ) async throws -> Result {
        let (ports, bound) = AsyncStream.makeStream(of: Int.self)
        var logger = Logger(label: "stub")
        logger.logLevel = .critical
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { request, _ in try await respond(request) },
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { bound.yield($0.localAddress?.port ?? 0) }, logger: logger)
        let services = ServiceGroup(services: [application], logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            var iterator = ports.makeAsyncIterator()
            let port = await iterator.next() ?? 0
            let result = await Swift.Result { try await body("http://127.0.0.1:\(port)") }
            release()
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
            return try result.get()
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
