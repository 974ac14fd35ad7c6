import Conversations
import DurableExecution
import Foundation
import Synchronization

/// Who asked not to be written to, from which number.
///
/// A word is a ``Fact``, kept with the event that brought it. They are read from the engine's store once for each
/// participant, and then from memory: the engine tells of each that it keeps, before the event's acceptance returns.
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

    private struct State {
        /// By participant; each is complete.
        var records: [String: Record] = [:]
        /// How many words were learnt: tells whoever reads the store that something came meanwhile.
        var learnt = 0

        mutating func keep(_ record: Record, of participant: String) {
            if records.count >= memoryLimit, records[participant] == nil { records = [:] }
            records[participant] = record
        }
    }

    /// Participants remembered; past it all are read anew.
    private static let memoryLimit = 50_000

    private let link: EngineLink
    private let state = Mutex(State())

    init(link: EngineLink) { self.link = link }

    /// Takes note of a word that was kept.
    ///
    /// - Returns: Whether it changes whether the participant may be written to, as far as that is known.
    func learn(_ word: OptOutWord) async -> Bool {
        let isLasting = link.engine != nil
        let changes: Bool? = state.withLock { state in
            state.learnt += 1
            guard var record = state.records[word.participant] ?? (isLasting ? nil : [:]) else { return nil }
            let former = record[word.number]
            if let former, former.at > word.entry.at { return false }
            record[word.number] = word.entry
            state.keep(record, of: word.participant)
            return (former?.meaning ?? .start) != word.entry.meaning
        }
        if let changes { return changes }
        // What it was before is not known any more; unless a later word is kept, it is this now.
        return (try? await record(of: word.participant))?[word.number] == word.entry
    }

    /// The word by which a participant turned messages from a number off; nil if they may be written to.
    ///
    /// - Parameters:
    ///   - participant: In its one spelling, as the number.
    ///   - number: Nil where it isn't known: then a stop to any number counts.
    func stop(
        of participant: String, to number: String?
    ) async throws(EngineError) -> (number: String, entry: Entry)? {
        let record = try await record(of: participant)
        guard !record.isEmpty else { return nil }
        let numbers = number.map { [$0] } ?? record.keys.sorted()
        return numbers.lazy
            .compactMap { number in record[number].map { (number, $0) } }
            .first { $0.1.meaning == .stop }
    }

    func record(of participant: String) async throws(EngineError) -> Record {
        while true {
            let (known, learnt) = state.withLock { ($0.records[participant], $0.learnt) }
            if let known { return known }
            guard let engine = link.engine else { return [:] }
            let record = try await Self.read(participant, in: engine)
            let kept: Record? = state.withLock { state in
                if let present = state.records[participant] { return present }
                // A word came while the store was read, and may not be in what was read.
                guard state.learnt == learnt else { return nil }
                state.keep(record, of: participant)
                return record
            }
            if let kept { return kept }
        }
    }

    /// Keeps as facts, which name nobody, what an earlier version kept under the participant's address.
    func carryOver(_ participant: String) async throws(EngineError) {
        guard let engine = link.engine,
            try await engine.storedValue(scope: OptOutWord.formerScope, key: participant) != nil
        else { return }
        let record = try await Self.read(participant, in: engine)
        var facts: [Fact] = []
        for (number, entry) in record {
            guard let fact = try? OptOutWord(entry, of: participant, to: number).fact() else { continue }
            facts.append(fact)
        }
        try await engine.keep(facts)
        try await engine.setStoredValue(scope: OptOutWord.formerScope, key: participant, to: nil)
    }

    private static func read(_ participant: String, in engine: Engine) async throws(EngineError) -> Record {
        let former = try await engine.storedValue(scope: OptOutWord.formerScope, key: participant)
        let facts = try await engine.facts(scope: OptOutWord.scope(of: participant))
        do {
            let record = try former.map { try JSON.decode(Record.self, from: $0) } ?? [:]
            return try facts.reduce(into: record) { record, fact in
                let entry = try JSON.decode(Entry.self, from: fact.value)
                if let former = record[fact.key], former.at > entry.at { return }
                record[fact.key] = entry
            }
        } catch {
            throw EngineError(.corrupted, "what is kept about the opt-outs of \(participant) can't be read")
        }
    }
}

/// A participant's word to a number that they want no more messages, or want them again.
struct OptOutWord: Sendable, Hashable {
    /// In the one spelling of addresses, as the number.
    var participant: String
    var number: String
    var entry: OptOuts.Entry

    /// Packs are named `org/pack`, so no scope of theirs is named like these.
    private static let scopePrefix = "#opt_out:"
    /// Where earlier versions kept all words of a participant as one value.
    static let formerScope = "#opt_out"

    static func scope(of participant: String) -> String { scopePrefix + participant }

    init(_ entry: OptOuts.Entry, of participant: String, to number: String) {
        self.participant = ParticipantAddress.spelling(of: participant)
        self.number = ParticipantAddress.spelling(of: number)
        self.entry = entry
    }

    /// What an inbound message says; nil if it is no such word. A group's member speaks for the thread between them and the
    /// number, not for the group.
    init?(_ event: ConversationEvent, _ words: OptOutWords) {
        guard event.kind == .message, event.direction == .inbound, let message = event.message,
            let meaning = words.meaning(of: message.body)
        else { return nil }
        self.init(
            OptOuts.Entry(meaning: meaning, at: message.receivedAt, word: message.body),
            of: message.senderIdentifier ?? message.fromNumber,
            to: event.conversation.number.isEmpty ? message.toNumber : event.conversation.number)
    }

    /// Nil if the fact is another's.
    init?(_ fact: Fact) {
        guard fact.scope.hasPrefix(Self.scopePrefix), let entry = try? JSON.decode(OptOuts.Entry.self, from: fact.value)
        else { return nil }
        participant = String(fact.scope.dropFirst(Self.scopePrefix.count))
        number = fact.key
        self.entry = entry
    }

    /// - Throws: `EncodingError` for a word that JSON cannot hold.
    func fact() throws -> Fact {
        Fact(scope: Self.scope(of: participant), key: number, value: try JSON.encode(entry), at: entry.at.date)
    }
}
