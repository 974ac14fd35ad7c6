import DurableExecution
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
    import Glibc
#endif

/// Runs a host's services until the process is asked to stop, and lets what is under way end.
struct StopSignals: Sendable {
    /// How long the services may take to end after the calls in the air have.
    private static let margin = Duration.seconds(5)

    let engine: Engine
    /// How long calls in the air may take to end.
    let grace: Duration
    let logger: Logger

    /// Runs `services` until one fails, or the first SIGTERM or SIGINT; a second one ends the process at once.
    ///
    /// The engine is told first, so that it begins nothing more while the doors close. What was accepted until then is
    /// kept for the next start.
    func run(_ services: [any Service]) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }, logger: logger)
        configuration.maximumGracefulShutdownDuration = grace + Self.margin
        let group = ServiceGroup(configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask { await stop(group) }
            defer { tasks.cancelAll() }
            // Either ends once everything has.
            try await tasks.next()
        }
    }

    /// Listens for signals until cancelled.
    private func stop(_ group: ServiceGroup) async {
        await withDiscardingTaskGroup { tasks in
            var isStopping = false
            for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
                // The status by which shells name a process that a signal ended.
                guard !isStopping else { _exit(128 + signal.rawValue) }
                isStopping = true
                logger.notice("stopping", metadata: ["signal": "\(signal)", "grace": "\(grace)"])
                engine.shutdown(within: grace)
                await group.triggerGracefulShutdown()
                tasks.addTask { await endAnyway() }
            }
            tasks.cancelAll()
        }
    }

    /// Ends the process if what was cancelled does not end either.
    private func endAnyway() async {
        guard (try? await Task.sleep(for: grace + Self.margin * 2)) != nil else { return }
        logger.critical("ended though something still ran")
        _exit(EXIT_FAILURE)
    }
}

/// Runs the engine until it is told to stop.
struct EngineService: Service {
    let engine: Engine
    /// How long calls in the air may take to end.
    let grace: Duration

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await engine.run()
            // It may have been told before its turn in the shutdown came; a service that ends before counts as failed.
            try? await gracefulShutdown()
        } onGracefulShutdown: {
            engine.shutdown(within: grace)
        }
    }
}
