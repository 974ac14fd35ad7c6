import Foundation
import TestSupport

@testable import DurableExecution

/// The rules, and how events and commands are treated.
extension Simulation {
    static let modes: [String: StartMode] = [
        "single": .single, "restart": .restart, "queued": .queued(limit: 3), "debounce": .debounce(.seconds(30)),
    ]
    static let debounceDelay = Duration.seconds(30)
    static let waitTime = Duration.seconds(600)

    /// What starts a rule of the same name, beside the modes.
    private static let rules = ["message": "rule", "note": "short", "stubborn": "stubborn"]

    private static let rule: [Command] = [
        .ask("send").by("api"), .store(.increment(scope: "s", key: "count", by: .integer(1))),
        .wait(waitTime), .wait(waitTime), .repeatable("tag").by("api"), .once("thank").by("api"),
    ]
    private static let slow: [Command] = [
        .once("send").by("api"), .wait(.seconds(120), kind: "nothing", queue: nil), .once("thank").by("api"),
    ]

    /// Takes note of whatever goes wrong, and ends with another error.
    private static let stubborn: ScriptedProgram.Script = { inputs in
        guard let last = inputs.last else { return ProgramStep(next: .command(.once("post").by("api"))) }
        if case .failure = last { return ProgramStep(next: .failed(ProgramFailure(code: "upset", message: "upset"))) }
        return ProgramStep(next: .finished(nil))
    }

    func setUpHandler() {
        handler.scripts = [
            "rule": ScriptedProgram.making(Self.rule), "stubborn": Self.stubborn,
            "short": ScriptedProgram.making([.once("post").by("api"), .once("post again")]),
        ]
        for mode in Self.modes.keys { handler.scripts[mode] = ScriptedProgram.making(Self.slow) }
        handler.performing = { [world] in try await world.perform($0, $1) }
        handler.looking = { [world, fault] _, context in
            let key = "\(context.event.sequence).\(context.position)"
            let found = fault == .failedLookIsAnAnswer ? try? world.look(key) : try world.look(key)
            return found.map { .tookPlace(outcome: $0) } ?? .notFound
        }
        handler.matching = { [world] event in
            // A wait may be registered between the look at the waits and the write of the match.
            for _ in 0..<world.roll(40) { await Task.yield() }
            if let mode = Self.modes[event.kind] {
                return Matching(starts: [Start(rule: event.kind, version: "1", mode: mode)])
            }
            return Matching(starts: Self.rules[event.kind].map { [Start(rule: $0, version: "1")] } ?? [])
        }
        handler.starting = { invocation in await begins(invocation) }
        handler.permitting = { [world, pauses] _, context in
            if let pause = pauses["rule:\(context.invocation.rule)"] {
                throw CommandFailure.held(Hold(key: pause.subject, reason: pause.reason))
            }
            if context.invocation.rule == "rule", world.isPaused { world.violate("performed while paused") }
            let roll = world.roll(100)
            guard roll < 10, !world.isKind else { return }
            let until = roll < 5 ? world.date.addingTimeInterval(60) : nil
            throw CommandFailure.held(Hold(key: "k", reason: "held", until: until))
        }
        handler.preparing = { [world] event, _ in
            if world.isOut, world.roll(100) < 50 {
                throw EngineFailure("refused", retryable: true, upstream: "api")
            }
            if world.roll(100) < 10 { throw EngineFailure("down", retryable: true, retryAfter: .seconds(120)) }
            return .ready(payload: event.payload)
        }
    }

    /// Asks the store as it is, whatever becomes of the process meanwhile.
    func look<Value: Sendable>(
        _ query: @escaping @Sendable (any DurableStore) async throws(EngineError) -> Value
    ) async -> Value? {
        guard let store = world.store else { return nil }
        guard disk.isOutside else { return try? await query(store) }
        return try? await executor.outside { () async throws(EngineError) in try await query(store) }
    }

    /// Whatever is listed, all of it.
    func invocations(_ change: (inout InvocationFilter) -> Void = { _ in }) async -> [Invocation] {
        var filter = InvocationFilter()
        filter.limit = 100_000
        change(&filter)
        let settled = filter
        return await look { store async throws(EngineError) in try await store.invocations(settled) } ?? []
    }

    func events(_ change: (inout EventFilter) -> Void = { _ in }) async -> [Event] {
        var filter = EventFilter()
        filter.limit = 100_000
        change(&filter)
        let settled = filter
        return await look { store async throws(EngineError) in try await store.events(settled) } ?? []
    }

    func journal(of id: String) async -> [JournalEntry] {
        await look { store async throws(EngineError) in try await store.journal(of: id) } ?? []
    }

    // MARK: The promises of modes

    /// Judges an invocation that is about to run.
    private func begins(_ invocation: Invocation) async {
        let isFirst = !world.begun.contains(invocation.id)
        world.begins(invocation.id)
        guard isFirst, Self.modes[invocation.rule] != nil, !world.touched.contains(invocation.id) else { return }
        let open = await invocations {
            $0.queue = invocation.queue
            $0.rule = invocation.rule
            $0.states = Set(InvocationState.allCases.filter { !$0.isEnded })
        }
        let others = open.filter { $0.id != invocation.id && !world.touched.contains($0.id) }
        for other in others where breaksMode(of: invocation, other) {
            world.violate("\(invocation.rule): \(invocation.id) begins while \(other.id) is \(other.state)")
        }
        guard invocation.rule == "debounce", !scenery.stepsClock else { return }
        if invocation.updatedAt < invocation.createdAt.adding(Self.debounceDelay).storable {
            world.violate("debounce: \(invocation.id) begins too early")
        }
    }

    private func breaksMode(of invocation: Invocation, _ other: Invocation) -> Bool {
        switch invocation.rule {
        case "single": true
        case "restart": other.event < invocation.event
        case "queued": other.state != .queued || other.event < invocation.event
        // One that was matched after this one was taken up gives nothing away.
        default: !scenery.stepsClock && other.state == .queued && other.createdAt < invocation.updatedAt
        }
    }
}

extension Simulation: EngineObserver {
    func observe(_ notice: EngineNotice) {
        if case .quarantined(let one) = notice { world.displaces(one.event) }
    }
}
