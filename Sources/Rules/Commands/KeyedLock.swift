/// A lock per key, first come first served.
actor KeyedLock<Key: Hashable & Sendable> {
    private struct Waiter {
        var number: Int
        var continuation: CheckedContinuation<Bool, Never>
    }

    /// By key that is held: who waits for it, in order.
    private var waiters: [Key: [Waiter]] = [:]
    private var lastNumber = 0

    /// Runs `body` while nobody else holds `key`.
    ///
    /// - Throws: ``KeyedLockInterruption``, without having run `body`, if the task is cancelled while it waits.
    nonisolated func withLock<Result: Sendable>(
        _ key: Key, _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        guard await acquire(key) else { throw KeyedLockInterruption() }
        do {
            let result = try await body()
            await release(key)
            return result
        } catch {
            await release(key)
            throw error
        }
    }

    private func acquire(_ key: Key) async -> Bool {
        guard waiters[key] != nil else {
            waiters[key] = []
            return true
        }
        lastNumber += 1
        let number = lastNumber
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled else { return continuation.resume(returning: false) }
                waiters[key]?.append(Waiter(number: number, continuation: continuation))
            }
        } onCancel: {
            Task { await self.interrupt(number, key) }
        }
    }

    /// It may have had its turn already: then it has the lock, and goes on.
    private func interrupt(_ number: Int, _ key: Key) {
        guard let index = waiters[key]?.firstIndex(where: { $0.number == number }) else { return }
        waiters[key]?.remove(at: index).continuation.resume(returning: false)
    }

    private func release(_ key: Key) {
        guard waiters[key]?.isEmpty == false, let first = waiters[key]?.removeFirst() else {
            waiters[key] = nil
            return
        }
        first.continuation.resume(returning: true)
    }
}

/// The turn did not come while it was waited for; nothing was done.
struct KeyedLockInterruption: Error {}
