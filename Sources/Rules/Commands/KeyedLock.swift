/// A lock per key, first come first served.
actor KeyedLock<Key: Hashable & Sendable> {
    /// By key that is held: who waits for it, in order.
    private var waiters: [Key: [CheckedContinuation<Void, Never>]] = [:]

    /// Runs `body` while nobody else holds `key`.
    nonisolated func withLock<Result: Sendable>(
        _ key: Key, _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        await acquire(key)
        do {
            let result = try await body()
            await release(key)
            return result
        } catch {
            await release(key)
            throw error
        }
    }

    private func acquire(_ key: Key) async {
        guard waiters[key] != nil else {
            waiters[key] = []
            return
        }
        await withCheckedContinuation { waiters[key]?.append($0) }
    }

    private func release(_ key: Key) {
        guard let first = waiters[key]?.first else {
            waiters[key] = nil
            return
        }
        waiters[key]?.removeFirst()
        first.resume()
    }
}
