import Conversations
import DurableExecution
import Foundation
import Synchronization

/// Who asked not to be written to, from which number.
///
/// Kept in the engine's store under a scope that is no pack's; read from there once, and then from memory, since nobody
/// else writes it.
final class OptOuts: Sendable {
    /// The latest word of a participant to one number.
    struct Entry: Sendable, Hashable, Codable {
        var meaning: OptOutWords.Meaning
        /// When it was written, by the API's account.
        var at: Timestamp
        /// As it was written.
        var word: String
    }

    /// By number.
    typealias Record = [String: Entry]

    /// Packs are named `org/pack`, so none is named like this.
    static let scope = "#opt_out"

    /// Participants remembered; past it all are read anew.
    private static let memoryLimit = 50_000

    private let link: EngineLink
    private let lock = KeyedLock<ParticipantAddress>()
    private let known = Mutex<[ParticipantAddress: Record]>([:])

    init(link: EngineLink) { self.link = link }

    /// Keeps a participant's word, unless a later one of theirs is known.
    ///
    /// - Returns: Whether it changed whether they may be written to.
    /// - Throws: ``EngineError`` if it could not be kept.
    func note(_ entry: Entry, of participant: ParticipantAddress, to number: ParticipantAddress) async throws -> Bool {
        try await lock.withLock(participant) {
            var record = try await self.record(of: participant)
            let former = record[number.text]
            if let former, former.at > entry.at { return false }
            record[number.text] = entry
            if former != entry {
                try await self.link.engine?.setStoredValue(
                    scope: Self.scope, key: participant.text, to: try JSON.encode(record))
                self.remember(record, of: participant)
            }
            return (former?.meaning ?? .start) != entry.meaning
        }
    }

    /// The word by which a participant turned messages from a number off; nil if they may be written to.
    ///
    /// - Parameter number: Nil where it isn't known: then a stop to any number counts.
    func stop(
        of participant: ParticipantAddress, to number: ParticipantAddress?
    ) async throws(EngineError) -> (number: String, entry: Entry)? {
        let record = try await record(of: participant)
        guard !record.isEmpty else { return nil }
        let numbers = number.map { [$0.text] } ?? record.keys.sorted()
        return numbers.lazy
            .compactMap { number in record[number].map { (number, $0) } }
            .first { $0.1.meaning == .stop }
    }

    func record(of participant: ParticipantAddress) async throws(EngineError) -> Record {
        if let record = known.withLock({ $0[participant] }) { return record }
        guard let engine = link.engine else { return [:] }
        let data = try await engine.storedValue(scope: Self.scope, key: participant.text)
        let record: Record
        do {
            record = try data.map { try JSON.decode(Record.self, from: $0) } ?? [:]
        } catch {
            throw EngineError(.corrupted, "what is kept about the opt-outs of \(participant) can't be read")
        }
        return known.withLock { known in
            // Somebody may have kept a word meanwhile.
            if let present = known[participant] { return present }
            if known.count >= Self.memoryLimit { known = [:] }
            known[participant] = record
            return record
        }
    }

    private func remember(_ record: Record, of participant: ParticipantAddress) {
        known.withLock { known in
            if known.count >= Self.memoryLimit, known[participant] == nil { known = [:] }
            known[participant] = record
        }
    }
}
