import Conversations
import DurableExecution
import Foundation
import Logging
import Packs
import TestSupport
import Testing

@testable import Rules

/// A host with a pack in a folder, an engine on a store in memory, and the API in memory behind it.
struct RuleBench {
    /// When runs are rebuilt from their beginnings; see ``ReplayModes``.
    @TaskLocal static var replayMode = ReplayMode.kept

    let api: FakeAPI
    let clock: ManualClock
    let folder: TemporaryFolder
    let book: RuleBook
    let loader = PackLoader()
    let host: RuleHost
    let store: SQLiteStore

    /// - Parameters:
    ///   - rules: Lua texts by rule name.
    ///   - modules: Lua texts by path below `lib`.
    init(
        rules: [String: String] = [:], modules: [String: String] = [:], api: FakeAPI = FakeAPI(),
        media: any MediaInspecting = NoMedia(), configuration: RuleHostConfiguration = RuleHostConfiguration(),
        sharing other: RuleBench? = nil, clock: ManualClock = ManualClock()
    ) async throws {
        self.api = api
        self.clock = clock
        folder = try other?.folder ?? TemporaryFolder()
        book = RuleBook(archive: PackArchive())
        var configuration = configuration
        configuration.replaysAlways = Self.replayMode == .always
        if Self.replayMode == .forgetful { configuration.forgets = KeptRunLottery(seed: 1) }
        host = RuleHost(
            api: api, book: book, loader: loader, media: media, configuration: configuration,
            now: { [clock] in clock.date }, logger: .silent)
        store = try other?.store ?? SQLiteStore.inMemory()
        if other == nil {
            try folder.write("name: acme/photos\nversion: 1.0.0\n", to: "pack.yaml")
            for (name, text) in rules { try folder.write(text, to: "rules/\(name).lua") }
            for (path, text) in modules { try folder.write(text, to: "lib/\(path)") }
            api.change { $0.conversations["conv_1"] = .sample() }
            try await load()
        }
    }

    func load() async throws {
        // Packs are kept by the engine that runs, or by one for the purpose.
        let engine = host.link.engine ?? makeEngine()
        try await book.activate(try await loader.load(PackFolder(folder.url)))
        withExtendedLifetime(engine) {}
    }

    func makeEngine(_ change: (inout EngineConfiguration) -> Void = { _ in }) -> Engine {
        var configuration = EngineConfiguration()
        change(&configuration)
        let engine = Engine(
            store: store, handler: host, configuration: configuration, clock: clock, now: { [clock] in clock.date },
            random: { 0 }, logger: .silent)
        host.connect(engine)
        return engine
    }

    /// Runs `body` while an engine runs, then has it stop.
    func run<Value: Sendable>(
        configuring change: (inout EngineConfiguration) -> Void = { _ in }, _ body: (Engine) async throws -> Value
    ) async throws -> Value {
        let engine = makeEngine(change)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.run() }
            let value = try await body(engine)
            engine.shutdown()
            try await group.waitForAll()
            return value
        }
    }

    /// Accepts events, runs until nothing more can run, and tells what became of the last.
    @discardableResult
    func process(_ events: ConversationEvent...) async throws -> EventTrace {
        let events = try events.map { try $0.new() }
        return try await run { engine in
            let acceptances = try await engine.accept(events)
            await engine.idle()
            return try await engine.trace(ofEvent: try #require(acceptances.last).sequence)
        }
    }

    /// As ``process(_:)``, and waits until what may have been sent was looked for once more.
    @discardableResult
    func decide(_ event: ConversationEvent) async throws -> EventTrace {
        let event = try event.new()
        return try await run { engine in
            let acceptances = try await engine.accept([event])
            await engine.idle()
            clock.advance(by: EngineConfiguration().secondLookDelay)
            await engine.idle()
            return try await engine.trace(ofEvent: try #require(acceptances.last).sequence)
        }
    }

    /// What becomes of a rule that runs `body` for a message.
    func outcome(of body: String, event: ConversationEvent = .message()) async throws -> InvocationTrace {
        let on = event.kind.rawValue
        try folder.write("return { on = \"\(on)\", run = function(event)\n\(body)\nend }\n", to: "rules/tried.lua")
        try await load()
        return try #require(try await process(event).invocations.last)
    }
}

/// Knows no media.
struct NoMedia: MediaInspecting {
    func kind(of url: String) async -> MediaKind? { nil }
}

extension Logger {
    static var silent: Logger { Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }) }
}

extension InvocationTrace {
    /// Its commands in words: name, input, and outcome or failure.
    var story: [String] {
        entries.map { entry in
            let end =
                entry.failure.map { "failed: \($0.code)" }
                ?? entry.outcome.map { String(decoding: $0, as: UTF8.self) } ?? "\(entry.state)"
            return "\(entry.name) \(String(decoding: entry.input, as: UTF8.self)) -> \(end)"
        }
    }

    var logged: [String] { logs.map(\.line.message) }

    /// The failure's message, without what follows the first line.
    var failureMessage: String? { invocation.failure?.message }
}
