import Lua
import Testing

@Suite(.timeLimit(.minutes(1))) struct LuaThreadTests {
    actor Counter: LuaThreadActor {
        nonisolated let luaThread: LuaThread
        private var count = 0

        init(_ thread: LuaThread) { luaThread = thread }

        func add() -> (count: Int, isOnThread: Bool) {
            count += 1
            return (count, luaThread.isCurrent)
        }

        func assumed() -> Int { assumeIsolated { $0.count } }
    }

    @Test func `an actor's jobs run on its thread`() async {
        let counter = Counter(LuaThread(name: "shard"))
        for expected in 1...100 {
            let result = await counter.add()
            #expect(result.isOnThread)
            #expect(result.count == expected)
        }
        #expect(await counter.assumed() == 100)
        #expect(!counter.luaThread.isCurrent)
        counter.luaThread.shutdown()
    }

    @Test func `jobs from many tasks run one at a time`() async {
        let counter = Counter(LuaThread(name: "shard"))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<1000 { group.addTask { _ = await counter.add() } }
        }
        #expect(await counter.add().count == 1001)
        counter.luaThread.shutdown()
    }

    @Test func `a job that comes after the shutdown still runs`() async {
        let counter = Counter(LuaThread(name: "shard"))
        _ = await counter.add()
        counter.luaThread.shutdown()
        for expected in 2...20 {
            let result = await counter.add()
            #expect(result.count == expected)
            #expect(result.isOnThread)
        }
    }

    @Test func `a thread that was shut down is let go`() async {
        weak var thread: LuaThread?
        do {
            let counter = Counter(LuaThread(name: "shard"))
            thread = counter.luaThread
            _ = await counter.add()
            counter.luaThread.shutdown()
        }
        // Its last job is done, and what is left of it ends by itself; the time limit cancels a test that waits in vain.
        while thread != nil, !Task.isCancelled { await Task.yield() }
        #expect(thread == nil)
    }
}
