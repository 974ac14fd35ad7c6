import Synchronization
import Testing

@testable import Rules

@Suite(.timeLimit(.minutes(1))) struct KeyedLockTests {
    /// Counts who is inside, and how many were at most.
    private final class Room: Sendable {
        private let state = Mutex((inside: 0, most: 0))

        var most: Int { state.withLock { $0.most } }

        func enter() {
            state.withLock { state in
                state.inside += 1
                state.most = max(state.most, state.inside)
            }
        }

        func leave() { state.withLock { $0.inside -= 1 } }
    }

    @Test func `one at a time holds a key`() async throws {
        let lock = KeyedLock<String>()
        let room = Room()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    try await lock.withLock("a") {
                        room.enter()
                        await Task.yield()
                        room.leave()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(room.most == 1)
    }

    @Test func `another key is not waited for`() async throws {
        let lock = KeyedLock<String>()
        try await lock.withLock("a") {
            try await lock.withLock("b") {}
        }
    }

    @Test func `who is cancelled while waiting goes away, and the others have their turns`() async throws {
        let lock = KeyedLock<String>()
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let (held, hold) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await lock.withLock("a") {
                    hold.finish()
                    for await _ in ended {}
                }
            }
            for await _ in held {}
            let impatient = Task { try await lock.withLock("a") { Issue.record("it had no turn") } }
            group.addTask { try await lock.withLock("a") {} }
            impatient.cancel()
            await #expect(throws: KeyedLockInterruption.self) { try await impatient.value }
            end.finish()
            try await group.waitForAll()
        }
        #expect(try await lock.withLock("a") { 5 } == 5)
    }

    @Test func `an error lets the next one in`() async throws {
        struct Failed: Error {}
        let lock = KeyedLock<String>()
        await #expect(throws: Failed.self) { try await lock.withLock("a") { throw Failed() } }
        #expect(try await lock.withLock("a") { 5 } == 5)
    }
}
