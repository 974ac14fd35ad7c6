public import Conversations
public import DurableExecution
public import Foundation

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
    public func connect(_ engine: Engine) { link.connect(engine) }

    /// Sets who is told when somebody opts out or in. Must not block.
    public func setOptOutObserver(_ observer: @escaping @Sendable (OptOutChange) -> Void) {
        policy.setObserver(observer)
    }

    /// What a participant said to each number, in the order of the numbers.
    ///
    /// - Throws: ``EngineError``.
    public func optOuts(of participant: String) async throws(EngineError) -> [OptOut] {
        let address = ParticipantAddress(participant)
        let record = try await policy.optOuts.record(of: address)
        return record.sorted { $0.key < $1.key }.map { number, entry in
            OptOut(
                participant: address.text, number: number, isOut: entry.meaning == .stop, word: entry.word,
                at: entry.at)
        }
    }

    /// Opts a participant out or in on their behalf, as of now.
    ///
    /// - Parameter reason: Stands where their own word would.
    /// - Throws: ``EngineError``.
    public func setOptOut(
        of participant: String, from number: String, to isOut: Bool, reason: String, at time: Date = Date()
    ) async throws {
        try await policy.note(
            isOut ? .stop : .start, word: reason, of: participant, to: number, at: Timestamp(time))
    }
}
