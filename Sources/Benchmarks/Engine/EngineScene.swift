import DurableExecution
import Foundation
import Logging
import Synchronization

/// What the engine is measured with: a handler that answers at once, and databases in a folder of their own.
enum EngineScene {
    struct Folder {
        let path: String

        init(in parent: String) throws {
            path = parent + "/tidewire-bench-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        func database(_ name: String) -> String { path + "/\(name).db" }

        func remove() { try? FileManager.default.removeItem(atPath: path) }
    }

    /// Makes the same commands for every event.
    final class Script: Program {
        private let commands: [Command]
        private let place = Atomic(0)

        init(_ commands: [Command]) { self.commands = commands }

        func advance(_ input: ProgramInput) async -> ProgramStep {
            let index = place.add(1, ordering: .relaxed).oldValue
            return ProgramStep(next: index < commands.count ? .command(commands[index]) : .finished(nil))
        }

        func cancel() async {}
    }

    struct Handler: EventHandler {
        /// What a message starts; nil: nothing.
        var commands: [Command]?
        /// Which kind of event needs an upstream that does not answer.
        var downFor: String?

        func prepare(_ event: Event, claims: any IdentityClaims) async throws -> Preparation {
            guard event.kind == downFor else { return .ready(payload: event.payload) }
            throw EngineFailure("no answer", retryable: true, upstream: "api")
        }

        func upstream(preparing event: Event) -> String? { event.kind == downFor ? "api" : nil }

        func match(_ event: Event) async throws -> Matching {
            guard commands != nil, event.kind == "message" else { return Matching() }
            return Matching(starts: [Start(rule: "bench/pack:rule", version: "1")])
        }

        func program(for invocation: Invocation, event: Event) async throws -> any Program { Script(commands ?? []) }

        func offer(_ event: Event, to waiting: Waiting) async throws -> Data? {
            event.kind == "reply" ? Data("1".utf8) : nil
        }

        func perform(_ command: Command, in context: CommandContext) async throws -> Data { Data("1".utf8) }
    }

    static let react = Command(
        name: "react", input: Data(#"{"message":"msg_1","type":"love"}"#.utf8), effect: .once, upstream: "api")
    static let tag = Command(
        name: "tag", input: Data(#"{"conversation":"conv_1","photos":1}"#.utf8), effect: .repeatable, upstream: "api")

    static let plainTag = Command(name: "note", input: Data("{}".utf8), effect: .repeatable)

    /// An event of the size of a webhook about a photo.
    static func event(_ name: String, queue: Int, kind: String = "message") -> NewEvent {
        NewEvent(
            identities: [name], queue: "conv_\(queue)", kind: kind, source: "webhook",
            payload: Data(repeating: UInt8(ascii: " "), count: 600), occurredAt: Date())
    }

    /// - Parameter parallelism: How many events are worked on at once; nil: the engine's default.
    static func engine(_ store: any DurableStore, _ handler: Handler, parallelism: Int? = nil) -> Engine {
        var configuration = EngineConfiguration()
        configuration.waitLimit = .max
        configuration.parallelism = parallelism ?? configuration.parallelism
        return Engine(
            store: store, handler: handler, configuration: configuration,
            logger: Logger(label: "bench", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Runs `body` while the engine runs.
    static func running<Value: Sendable>(
        _ engine: Engine, _ body: (Engine) async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.run() }
            let value = try await body(engine)
            engine.shutdown()
            try await group.waitForAll()
            return value
        }
    }

    /// Accepts `count` events from 256 tasks at once, as a server would.
    static func accept(_ count: Int, by engine: Engine, queues: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<256 {
                group.addTask {
                    for index in stride(from: worker, to: count, by: 256) {
                        _ = try await engine.accept([event("e\(index)", queue: index % queues)])
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    static func time(_ body: () async throws -> Void) async rethrows -> Duration {
        try await ContinuousClock().measure(body)
    }

    /// The process's memory in use, in bytes, as the kernel counts it (`/proc/self/statm`, proc(5)).
    static func residentBytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * 4096
    }
}
