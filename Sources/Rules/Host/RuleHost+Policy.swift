public import Conversations
public import DurableExecution
public import Foundation
import Synchronization

/// What operators see and decide of policy.
extension RuleHost {
    /// Whether a participant may be written to from a number, and by which word of theirs.
    public struct OptOut: Sendable, Hashable, Codable {
        public var participant: String
        public var number: String
        public var isOut: Bool
        public var word: String
        public var at: Timestamp
    }

    /// Gives policy the engine that keeps opt-outs and pauses. To be called once, before it runs; without it opt-outs
    /// last only as long as the process, and nothing can be paused.
    ///
    /// The rule book keeps its packs in the engine's store.
    public func connect(_ engine: Engine) {
        link.connect(engine)
        book.connect(engine)
    }

    /// By which words participants opt out and in; whoever takes events in has to know them.
    public var optOutWords: OptOutWords { policy.configuration.optOut }

    /// A rule that sent a person too much, and sends them nothing until then.
    public struct FuseStop: Sendable, Hashable {
        public var rule: String
        public var participant: String
        public var until: Date
        /// How often in a row; each doubles the time.
        public var times: Int
    }

    /// Who is sent nothing now because a fuse blew, and by which rule.
    public var fuseStops: [FuseStop] {
        let time = policy.now()
        return policy.fuses.withLock { $0.activeStops(at: time) }.map { stop in
            FuseStop(rule: stop.rule, participant: stop.person.participant, until: stop.until, times: stop.times)
        }
    }

    /// Sets who is told when somebody opts out or in. Must not block.
    public func setOptOutObserver(_ observer: @escaping @Sendable (OptOutChange) -> Void) {
        policy.setObserver(observer)
    }

    /// What a participant said to each number, in the order of the numbers.
    ///
    /// - Throws: ``EngineError``.
    public func optOuts(of participant: String) async throws(EngineError) -> [OptOut] {
        let address = ParticipantAddress.spelling(of: participant)
        let record = try await policy.optOuts.record(of: address)
        return record.sorted { $0.key < $1.key }.map { number, entry in
            OptOut(
                participant: address, number: number, isOut: entry.meaning == .stop, word: entry.word,
                at: entry.at)
        }
    }

    /// Opts a participant out or in on their behalf, as of now.
    ///
    /// - Parameter reason: Stands where their own word would.
    /// - Throws: ``EngineError``; `badInput` for an address in another than a plain spelling, of which it can't be told whom
    ///   it would keep from being written to.
    public func setOptOut(
        of participant: String, from number: String, to isOut: Bool, reason: String, at time: Date = Date()
    ) async throws {
        for text in [participant, number] where ParticipantAddress(text) == nil {
            throw EngineError(
                .badInput, "\(text) is no address; write a phone number as +15551234567, or an e-mail address")
        }
        let entry = OptOuts.Entry(meaning: isOut ? .stop : .start, at: Timestamp(time), word: reason)
        try await policy.keep(OptOutWord(entry, of: participant, to: number))
    }
}
