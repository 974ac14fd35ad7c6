import Logging
import ServiceLifecycle

extension Service {
    /// Runs until the task is cancelled or a graceful shutdown begins; both end it gracefully.
    ///
    /// A server that is cancelled drops the connection that it is about to accept, and SwiftNIO ends the process for it
    /// ("Deinited NIOAsyncWriter without calling finish()"). Shut down gracefully, the server takes that connection and
    /// closes it.
    func runUntilCancelled(logger: Logger) async throws {
        var configuration = ServiceGroupConfiguration(services: [self], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(10)
        let group = ServiceGroup(configuration: configuration)
        // A task of its own, so that cancellation reaches the server only as a graceful shutdown; it is awaited here.
        let running = Task { try await group.run() }
        try await withTaskCancellationHandler {
            try await running.value
        } onCancel: {
            Task { await group.triggerGracefulShutdown() }
        }
    }
}
