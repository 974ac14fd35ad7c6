import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

/// Events that end the process.
@Suite(.timeLimit(.minutes(1))) struct EngineCrashTests {
    /// A bench whose program ends the process at its second step, in event 1 only.
    func bench(_ notes: RememberedNotes) throws -> EngineBench {
        var bench = try EngineBench()
        bench.crashNotes = notes
        return bench
    }

    /// Runs until the program code of event 1, or another `point`, stands still, and kills the process there.
    func crash(
        _ bench: EngineBench, _ notes: RememberedNotes, at deadly: String = "program", accepting events: [NewEvent] = []
    ) async throws {
        let (stuck, enter) = AsyncStream.makeStream(of: Void.self)
        let (over, bury) = AsyncStream.makeStream(of: Void.self)
        bench.handler.hook = { point in
            guard point == deadly else { return }
            enter.yield()
            for await _ in over {}
            throw CancellationError()
        }
        let engine = bench.makeEngine()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await engine.run() }
            group.addTask { _ = try? await engine.accept(events) }
            for await _ in stuck.prefix(1) {}
            notes.kill()
            group.cancelAll()
            bury.finish()
        }
        bench.handler.hook = { _ in }
    }

    @Test func `what runs is noted while it runs`() async throws {
        let notes = RememberedNotes()
        let bench = try bench(notes)
        let seen = Mutex<[CrashNote]>([])
        bench.handler.scripts["rule"] = { _ in
            seen.withLock { $0 = notes.now }
            return ProgramStep(next: .finished(nil))
        }
        try await bench.process(bench.event("a"))
        let found = seen.withLock { $0 }
        #expect(found.map(\.event) == [1] && found.map(\.invocation) == [InvocationID(event: 1, place: 0).text])
        #expect(notes.now.isEmpty)
    }

    @Test func `after one crash the event runs, and a clean run clears it`() async throws {
        let notes = RememberedNotes()
        let bench = try bench(notes)
        try await crash(bench, notes, accepting: [bench.event("a")])
        expectNoDifference(notes.leftBehind.map(\.event), [1])
        try await bench.run { engine in await engine.idle() }
        #expect(try await bench.invocation()?.state == .finished)
        try await expectSame(bench.store.suspects(), [])
        try await crash(bench, notes, accepting: [bench.event("b")])
        try await bench.run { engine in await engine.idle() }
        #expect(try await bench.store.event(2)?.state == .done)
    }

    @Test func `an event that runs by chance when the process is killed is held back only after five times`()
        async throws
    {
        let notes = RememberedNotes(endedByFault: false)
        let bench = try bench(notes)
        try await crash(bench, notes, accepting: [bench.event("a")])
        for _ in 1..<4 {
            try await crash(bench, notes)
            #expect(try await bench.store.event(1)?.state == .running)
        }
        try await crash(bench, notes)
        try await bench.run { engine in await engine.idle() }
        #expect(try await bench.store.event(1)?.state == .quarantined)
    }

    @Test func `after two crashes the event is quarantined, its rule paused, and the others go on`() async throws {
        let notes = RememberedNotes()
        let bench = try bench(notes)
        try await crash(bench, notes, accepting: [bench.event("a"), bench.event("b")])
        try await crash(bench, notes)
        try await bench.run { engine in
            await engine.idle()
            #expect(engine.pauses["rule:rule"]?.reason.contains("2 times") == true)
        }
        let events = try await bench.store.events(EventFilter())
        expectNoDifference(events.map(\.state), [.done, .quarantined])
        #expect(events.last?.note == "the process ended 2 times while it ran")
        #expect(try await bench.invocation(1)?.state == .parked)
        #expect(try await bench.invocation(2)?.state == .finished)
        #expect(bench.observer.notices.contains("quarantined 1"))
    }

    @Test(arguments: ["prepare", "permit tag", "perform tag"])
    func `an event whose payload or command ends the process is quarantined, outside of programs too`(
        _ point: String
    ) async throws {
        let notes = RememberedNotes()
        let bench = try bench(notes)
        bench.handler.scripts["rule"] = ScriptedProgram.making([.repeatable("tag")])
        try await crash(bench, notes, at: point, accepting: [bench.event("a")])
        expectNoDifference(notes.leftBehind.map(\.event), [1])
        expectNoDifference(
            notes.leftBehind.map(\.invocation), [point == "prepare" ? nil : InvocationID(event: 1, place: 0).text])
        try await crash(bench, notes, at: point)
        try await bench.run { engine in await engine.idle() }
        #expect(try await bench.store.event(1)?.state == .quarantined)
    }

    @Test func `an event that only waits for an answer when the process is killed is no suspect`() async throws {
        let notes = RememberedNotes(endedByFault: false)
        let bench = try bench(notes)
        bench.handler.scripts["rule"] = ScriptedProgram.making([.repeatable("tag")])
        try await crash(bench, notes, at: "perform tag", accepting: [bench.event("a")])
        for _ in 0..<7 { try await crash(bench, notes, at: "perform tag") }
        try await bench.run { engine in await engine.idle() }
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `a quarantined event can be tried again by hand`() async throws {
        let notes = RememberedNotes()
        let bench = try bench(notes)
        try await crash(bench, notes, accepting: [bench.event("a")])
        try await crash(bench, notes)
        try await bench.run { engine in
            await engine.idle()
            try await expectSame(engine.retry(event: 1).state, .running)
            await engine.idle()
        }
        #expect(try await bench.store.event(1)?.state == .done)
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `what may have ended the process runs alone`() async throws {
        let notes = RememberedNotes()
        let bench = try bench(notes)
        try await crash(bench, notes, accepting: [bench.event("a", queue: "a")])
        let running = Mutex<(now: Set<Int64>, together: Set<Int64>)>(([], []))
        bench.handler.matching = { event in
            running.withLock {
                $0.now.insert(event.sequence)
                if $0.now.count > 1 { $0.together.formUnion($0.now) }
            }
            for _ in 0..<20 { await Task.yield() }
            running.withLock { _ = $0.now.remove(event.sequence) }
            return Matching(starts: [Start(rule: "rule", version: "1")])
        }
        bench.handler.hook = { point in
            guard point == "program" else { return }
            running.withLock { if $0.now.isEmpty { $0.now = [] } }
        }
        bench.handler.scripts["rule"] = { _ in
            let others = running.withLock { $0.now }
            return ProgramStep(next: .finished(Data("\(others.count)".utf8)))
        }
        try await bench.process((0..<50).map { bench.event("\($0)", queue: "q\($0)") })
        #expect(running.withLock { !$0.together.contains(1) })
        try await expectSame(bench.invocation(1)?.result, Data("0".utf8))
        #expect(try await bench.store.events(EventFilter()).allSatisfy { $0.state == .done })
    }
}

@Suite struct MappedCrashNotesTests {
    @Test func `what a killed process was running is found by the next`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("running")
        let note = CrashNote(number: 5 << 16 | 2)
        let first = try MappedCrashNotes(path: path)
        #expect(first.leftBehind.isEmpty)
        let ended = try #require(first.enter(CrashNote(number: 7 << 16)))
        _ = first.enter(note)
        first.leave(ended)
        // The first is not closed: a killed process closes nothing either.
        let second = try MappedCrashNotes(path: path)
        expectNoDifference(second.leftBehind, [note])
        second.clear()
        #expect(try MappedCrashNotes(path: path).leftBehind.isEmpty)
        withExtendedLifetime(first) {}
    }

    @Test func `a note that has no room is left out`() throws {
        let folder = try TemporaryFolder()
        let notes = try MappedCrashNotes(path: folder.path("running"))
        let slots = (0..<2000).map { notes.enter(CrashNote(number: Int64($0 + 1) << 16)) }
        #expect(slots.compactMap(\.self).count == 1023)
        notes.leave(try #require(slots[3]))
        #expect(notes.enter(CrashNote(number: 9 << 16)) == slots[3])
    }

    @Test func `a path that can't be used is said`() {
        let error = #expect(throws: EngineError.self) { try MappedCrashNotes(path: "/nowhere/running") }
        #expect(error?.code == .unavailable && error?.message.contains("/nowhere/running") == true)
    }
}
