import CustomDump
import Testing

@testable import DurableExecution

@Suite struct QueueTurnsTests {
    @Test func `a watch has what passed in its queue since it began`() {
        let turns = QueueTurns()
        turns.passed(1, of: "q")
        let watch = turns.watch("q")
        let other = turns.watch("other")
        turns.passed(2, of: "q")
        turns.passed(3, of: "q")
        expectNoDifference(watch.take(), [2, 3])
        expectNoDifference(watch.take(), [])
        turns.end(watch, of: "q")
        turns.passed(4, of: "q")
        expectNoDifference([watch.take(), other.take()], [[], []])
    }

    @Test func `one at a time is at a queue, in the order in which they came`() async throws {
        let turns = QueueTurns()
        let order = Order()
        await turns.enter("q")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<3 {
                group.addTask {
                    try await turns.alone(in: "q") { () async throws(EngineError) in
                        await order.note(index)
                        await Task.yield()
                        await order.note(index)
                    }
                }
                while turns.waiting(at: "q") <= index { await Task.yield() }
            }
            try await turns.alone(in: "other") { () async throws(EngineError) in await order.note(9) }
            turns.leave("q")
            try await group.waitForAll()
        }
        let all = await order.all
        expectNoDifference(all, [9, 0, 0, 1, 1, 2, 2])
    }

    private actor Order {
        var all: [Int] = []
        func note(_ index: Int) { all.append(index) }
    }
}
