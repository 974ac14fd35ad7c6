import Foundation
import Synchronization

/// Tries seeds, as many at once as there are processors, until enough was found.
public enum SeedSearch {
    private final class Progress<Finding: Sendable>: Sendable {
        let next: Mutex<UInt64>
        let found = Mutex<[Finding]>([])

        init(from seed: UInt64) { next = Mutex(seed) }
    }

    /// - Parameters:
    ///   - limit: How many findings are enough.
    ///   - find: What is wrong with a seed; nil: nothing.
    public static func findings<Finding: Sendable>(
        _ limit: Int, in seeds: Range<UInt64>, _ find: @escaping @Sendable (UInt64) async throws -> Finding?
    ) async throws -> [Finding] {
        let progress = Progress<Finding>(from: seeds.lowerBound)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<ProcessInfo.processInfo.activeProcessorCount {
                group.addTask {
                    while !Task.isCancelled, progress.found.withLock({ $0.count < limit }) {
                        let seed = progress.next.withLock { next in
                            defer { next += 1 }
                            return next
                        }
                        guard seeds.contains(seed) else { return }
                        guard let finding = try await find(seed) else { continue }
                        progress.found.withLock { $0.append(finding) }
                    }
                }
            }
            try await group.waitForAll()
        }
        return progress.found.withLock { $0 }
    }

    /// The seeds to try: `PREFIX_SEED` alone, or `PREFIX_SEEDS` many from `PREFIX_FIRST` on.
    public static func seeds(_ prefix: String, usually count: UInt64) -> Range<UInt64> {
        func number(_ name: String) -> UInt64? {
            ProcessInfo.processInfo.environment["\(prefix)_\(name)"].flatMap(UInt64.init)
        }
        if let seed = number("SEED") { return seed..<seed + 1 }
        let first = number("FIRST") ?? 1
        return first..<first + (number("SEEDS") ?? count)
    }
}
