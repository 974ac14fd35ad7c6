public import Foundation

/// What the versions are made of that invocations pin, in the same store, so that a copy of it is whole.
extension Engine {
    /// Keeps a version's content; to be called before anything pins the version. Returns once it is on disk.
    public nonisolated func keep(_ version: String, content: Data) async throws(EngineError) {
        try await store.keep(version, content: content, at: now().storable, epoch: try await ownEpoch())
    }

    /// The content of a version; nil if it is not kept.
    public nonisolated func content(ofVersion version: String) async throws(EngineError) -> Data? {
        try await store.content(ofVersion: version)
    }

    /// Deletes versions that no unfinished invocation pins, except those given and those kept within `age`.
    ///
    /// - Parameter age: Longer than it takes from matching an event with a version to keeping the match.
    /// - Returns: How many.
    @discardableResult
    public nonisolated func dropVersions(
        olderThan age: Duration, except others: Set<String>
    ) async throws(EngineError) -> Int {
        let time = now().adding(.zero - age).storable
        return try await store.dropVersions(keptBefore: time, except: others, epoch: try await ownEpoch())
    }
}
