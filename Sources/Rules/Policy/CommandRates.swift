import Foundation

/// Counts, rule by rule, what is asked of the API beside sends and reactions, and messages to people who did not start
/// the run. A rate is counted in two halves of a sliding window, so that a rule costs the same memory at any rate.
struct CommandRates: Sendable {
    enum Kind: String, Sendable, CaseIterable {
        case metadata, reads, typing, broadcasts

        /// What a rule made too many of.
        fileprivate var noun: String {
            switch self {
            case .metadata: "changes of metadata"
            case .reads: "reads of conversations and messages"
            case .typing: "signs of typing"
            case .broadcasts: "messages to people other than the one it ran for"
            }
        }

        /// The kind by which a command counts, whoever it reaches.
        init?(_ command: RuleCommand) {
            switch command {
            case .tag, .untag, .increment, .setMetadata, .clearMetadata: self = .metadata
            case .listConversations, .getConversation, .listMessages: self = .reads
            case .showTyping: self = .typing
            case .send, .react, .now, .storeGet, .storeSet, .storeIncrement, .storeCompareAndSet, .waitReply,
                .waitReaction, .waitAny, .sleep:
                return nil
            }
        }
    }

    private struct Key: Hashable {
        var rule: String
        var kind: Kind
    }

    fileprivate struct Count {
        /// When the present period began.
        var start: Date
        var now = 0
        /// Of the period before.
        var before = 0
    }

    enum Verdict: Sendable, Hashable {
        case pass
        /// It is work that was held up, and has its turn then.
        case wait(until: Date, reason: String)
        /// Why the rule is to be paused.
        case blown(reason: String)
    }

    private let rates: [Kind: FuseRate]
    private var counts: [Key: Count] = [:]
    /// The last turn that was given to what was held up.
    private var turns: [Key: Date] = [:]

    init(_ fuses: Fuses) {
        rates = [
            .metadata: fuses.metadata, .reads: fuses.reads, .typing: fuses.typing, .broadcasts: fuses.broadcasts,
        ].compactMapValues { $0 }
    }

    /// Counts a command, unless it is one too many; then counting starts anew, for when the rule is resumed.
    ///
    /// - Parameter isLate: Whether it is work that was held up and goes on all at once: that is no sign of a broken rule,
    ///   so it has one turn after the other, at the rate.
    mutating func admit(_ kind: Kind, of rule: String, at time: Date, isLate: Bool = false) -> Verdict {
        guard let rate = rates[kind] else { return .pass }
        let key = Key(rule: rule, kind: kind)
        var count = (counts[key] ?? Count(start: time)).slid(to: time, by: rate.period)
        let period = rate.period / .seconds(1)
        let share = 1 - time.timeIntervalSince(count.start) / period
        guard Double(count.now) + Double(count.before) * share < Double(rate.count) else {
            if isLate {
                let last = turns[key].map { $0 <= time + 2 * 24 * 3600 ? $0 : time } ?? time
                let turn = max(last, time).addingTimeInterval(period / Double(rate.count))
                turns[key] = turn
                let reason = "what was held up goes on at no more than \(rate) \(kind.noun) by this rule"
                return .wait(until: turn, reason: reason)
            }
            counts[key] = nil
            return .blown(reason: "fuse: more than \(rate) \(kind.noun) by this rule (policy.fuses.\(kind.rawValue))")
        }
        count.now += 1
        counts[key] = count
        return .pass
    }
}

extension CommandRates.Count {
    /// The count as of `time`; nothing is left of it if the clock was set back.
    fileprivate func slid(to time: Date, by period: Duration) -> Self {
        let seconds = period / .seconds(1)
        switch time.timeIntervalSince(start) {
        case 0..<seconds: return self
        case seconds..<2 * seconds: return Self(start: start + seconds, now: 0, before: now)
        default: return Self(start: time)
        }
    }
}
