import Conversations
import Foundation
import Synchronization

/// Changes metadata by reading, merging and replacing it, under a lock per conversation.
///
/// The API replaces metadata whole and has no versions, so another writer between the read and the write is
/// overwritten. Where this host is the only writer, the read can be spared.
final class MetadataWriter: Sendable {
    /// What this host wrote last, and when it wrote it.
    struct Written: Sendable, Hashable {
        /// Nil after a write whose outcome is not known.
        var metadata: Metadata?
        var at: Date
    }

    /// How many conversations are remembered; past it the older half is forgotten, which costs a read each.
    private static let memoryLimit = 50_000

    private let api: any ConversationAPI
    private let isOnlyWriter: Bool
    private let now: @Sendable () -> Date
    private let lock = KeyedLock<Conversation.ID>()
    private let written = Mutex<[Conversation.ID: Written]>([:])

    /// - Parameter isOnlyWriter: Whether nobody but this host changes metadata, so that what it wrote last still holds.
    init(api: any ConversationAPI, isOnlyWriter: Bool, now: @escaping @Sendable () -> Date) {
        self.api = api
        self.isOnlyWriter = isOnlyWriter
        self.now = now
    }

    /// What this host wrote to a conversation last, if it remembers.
    func lastWrite(to id: Conversation.ID) -> Written? {
        written.withLock { $0[id] }
    }

    /// What a conversation's metadata is, where that needn't be read.
    func known(of id: Conversation.ID) -> Metadata? {
        isOnlyWriter ? lastWrite(to: id)?.metadata : nil
    }

    /// Changes a conversation's metadata as `decide` says, while nobody else of this host does.
    ///
    /// - Parameters:
    ///   - written: Called once the change got through.
    ///   - decide: Given a way to read the present metadata; nil for what it returns means that nothing is to be written.
    /// - Returns: The metadata as it is now.
    /// - Throws: ``APIError``, ``KeyedLockInterruption``, or what `decide` throws.
    func update(
        _ id: Conversation.ID, written: @escaping @Sendable () -> Void = {},
        _ decide:
            @escaping @Sendable (
                _ present: @escaping @Sendable () async throws -> Metadata
            ) async throws -> ConversationUpdate.Field<Metadata>?
    ) async throws -> Metadata {
        try await lock.withLock(id) {
            let present = Reading { try await self.present(id) }
            guard let target = try await decide({ try await present.value() }) else { return try await present.value() }
            let result = try await self.write(target, to: id)
            written()
            return result
        }
    }

    /// Replaces a conversation's metadata by what `change` makes of it.
    ///
    /// - Parameter change: Given the present metadata; nil for what it returns means that nothing is to be written.
    /// - Returns: The metadata as it is now.
    /// - Throws: ``APIError``, or what `change` throws.
    func change(
        _ id: Conversation.ID, _ change: @escaping @Sendable (Metadata) async throws -> Metadata?
    ) async throws -> Metadata {
        try await update(id) { present in try await change(try await present()).map { .replaced($0) } }
    }

    /// Sets or clears the metadata, whatever it was.
    func replace(_ id: Conversation.ID, with metadata: Metadata?) async throws -> Metadata {
        try await update(id) { _ in metadata.map { .replaced($0) } ?? .cleared }
    }

    private func write(
        _ metadata: ConversationUpdate.Field<Metadata>, to id: Conversation.ID
    ) async throws -> Metadata {
        do {
            let answer = try await api.update(id, with: ConversationUpdate(metadata: metadata))
            let result = answer.conversation.metadata ?? [:]
            remember(result, of: id)
            return result
        } catch {
            // It may have been written all the same.
            remember(nil, of: id)
            throw error
        }
    }

    private func present(_ id: Conversation.ID) async throws -> Metadata {
        if let known = known(of: id) { return known }
        return try await api.conversation(id, messageLimit: 1).conversation.metadata ?? [:]
    }

    private func remember(_ metadata: Metadata?, of id: Conversation.ID) {
        let entry = Written(metadata: metadata, at: now())
        written.withLock { written in
            written[id] = entry
            guard written.count > Self.memoryLimit else { return }
            let newest = written.sorted { $0.value.at > $1.value.at }.prefix(Self.memoryLimit / 2)
            written = Dictionary(uniqueKeysWithValues: newest.map { ($0.key, $0.value) })
        }
    }
}

/// Metadata that are read once, when somebody first asks.
private actor Reading {
    private let read: @Sendable () async throws -> Metadata
    private var known: Metadata?

    init(_ read: @escaping @Sendable () async throws -> Metadata) { self.read = read }

    func value() async throws -> Metadata {
        if let known { return known }
        let metadata = try await read()
        known = metadata
        return metadata
    }
}
