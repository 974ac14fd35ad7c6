import DurableExecution
import Synchronization

/// The executors of events that are only rehearsed: each run has its own, which remembers what it "wrote".
final class Rehearsals: Sendable {
    private struct Stage {
        var executor: CommandExecutor
        var position: Int
    }

    private static let memoryLimit = 64

    private let make: @Sendable () -> CommandExecutor
    private let stages = Mutex<[String: Stage]>([:])

    init(_ make: @escaping @Sendable () -> CommandExecutor) { self.make = make }

    /// The executor of a run; a new one where the run begins again.
    func executor(for context: CommandContext) -> CommandExecutor {
        stages.withLock { stages in
            let known = stages[context.invocation.id].flatMap { $0.position >= context.position ? nil : $0 }
            if known == nil, stages.count >= Self.memoryLimit { stages = [:] }
            let stage = Stage(executor: known?.executor ?? make(), position: context.position)
            stages[context.invocation.id] = stage
            return stage.executor
        }
    }
}
