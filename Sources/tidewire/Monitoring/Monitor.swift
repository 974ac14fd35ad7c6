import BoundedListener
import DurableExecution
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Metrics
import NIOCore
import Rules
import Synchronization

/// Tells machines how a process is: `/health`, `/ready` and `/metrics`.
struct Monitor: Sendable {
    /// Why no events should be sent here now; empty where they may.
    var problems: @Sendable () async -> [String]
    /// What is not as it should be though events may be sent here.
    var degradations: @Sendable () async -> [String] = { [] }
    /// Brings gauges up to date that nobody keeps by counting.
    var measure: @Sendable () async -> Void = {}
    var registry = MetricRegistry.shared

    /// A process without an inbox: it is ready once it answers.
    static let bare = Monitor(problems: { [] })

    func addHealth(to router: Router<BasicRequestContext>) {
        router.get("/health") { _, _ in "ok\n" }
        router.get("/ready") { _, _ in
            let problems = await self.problems()
            let degradations = problems.isEmpty ? await self.degradations() : []
            let lines =
                !problems.isEmpty
                ? problems : degradations.isEmpty ? ["ready"] : ["ready, but degraded:"] + degradations
            let text = lines.map { $0 + "\n" }.joined()
            return Self.response(text, "text/plain; charset=utf-8", problems.isEmpty ? .ok : .serviceUnavailable)
        }
    }

    func addMetrics(to router: Router<BasicRequestContext>) {
        router.get("/metrics") { _, _ in
            await self.measure()
            ProcessMetrics.measure()
            return Self.response(registry.text(), PrometheusText.contentType, .ok)
        }
    }

    /// A server of its own, for monitoring that must not share the webhook's door.
    func application(
        listen: ListenAddress, limits: ListenerLimits, bound: BoundPort, logger: Logger
    ) -> Application<RouterResponder<BasicRequestContext>> {
        let router = Router()
        addHealth(to: router)
        addMetrics(to: router)
        return Application(
            responder: router.buildResponder(), server: limits.server,
            configuration: ApplicationConfiguration(
                address: .hostname(listen.host, port: listen.port), serverName: "tidewire"),
            onServerRunning: { channel in bound.succeed(channel.localAddress?.port ?? 0) }, logger: logger.forServers)
    }

    private static func response(_ text: String, _ type: String, _ status: HTTPResponse.Status) -> Response {
        Response(
            status: status, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}

extension Monitor {
    /// Of a host: ready while events can be kept and every pack that was asked for has its rules in force.
    ///
    /// - Parameter packCount: How many packs there should be.
    init(
        engine: Engine, store: SQLiteStore, packCount: Int, activePackCount: @escaping @Sendable () -> Int,
        troubles: @escaping @Sendable () -> [PackTrouble] = { [] }
    ) {
        let probe = StorageProbe(engine: engine)
        self.init(
            problems: {
                var problems: [String] = []
                if let problem = await probe.problem() { problems.append(problem) }
                let missing = packCount - activePackCount()
                if missing > 0 {
                    problems.append("\(missing) of \(packCount) packs can't be loaded: tidewire check says why")
                }
                return problems
            },
            degradations: {
                let paused = engine.pauses[PauseSubject.everything].map { ["everything is paused: \($0.reason)"] } ?? []
                return paused
                    + troubles().map { "\($0.folder) has problems: \(AdminStatus.Trouble($0).consequence)" }
            },
            measure: {
                await Self.measure(store)
                Self.measure(troubles(), of: packCount)
            })
    }

    private static func measure(_ troubles: [PackTrouble], of packCount: Int) {
        let missing = troubles.count { $0.pack == nil }
        let counts = [
            ("current", packCount - troubles.count), ("last_good", troubles.count - missing), ("missing", missing),
        ]
        for (state, count) in counts {
            Gauge(label: "tidewire_packs", dimensions: [("state", state)]).record(count)
        }
    }

    private static func measure(_ store: SQLiteStore) async {
        guard let census = try? await store.census() else { return }
        for state in EventState.allCases where state.isOpen || state == .held {
            Gauge(label: "tidewire_events", dimensions: [("state", state.rawValue)]).record(census.events[state] ?? 0)
        }
        for state in InvocationState.allCases where !state.isEnded {
            Gauge(label: "tidewire_runs", dimensions: [("state", state.rawValue)])
                .record(census.invocations[state] ?? 0)
        }
    }
}

/// Writes a bookmark to see whether the engine can keep anything, at most once in two seconds.
private final class StorageProbe: Sendable {
    private static let interval = 2.0

    private let engine: Engine
    private let last = Mutex<(time: Date, problem: String?)?>(nil)

    init(engine: Engine) {
        self.engine = engine
    }

    /// Nil where the write reached the disk.
    func problem() async -> String? {
        let now = Date()
        if let known = last.withLock({ $0 }), abs(now.timeIntervalSince(known.time)) < Self.interval {
            return known.problem
        }
        let problem = await write(now)
        last.withLock { $0 = (now, problem) }
        return problem
    }

    private func write(_ now: Date) async -> String? {
        do throws(EngineError) {
            try await engine.setCursor("monitor:ready", to: String(Int64(now.timeIntervalSince1970)))
            return nil
        } catch {
            return "events can't be kept: \(error.message)"
        }
    }
}
