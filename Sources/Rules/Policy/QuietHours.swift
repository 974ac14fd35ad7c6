public import Foundation

/// The time of day in which nobody is written to, except in answer to what they just wrote.
public struct QuietHours: Sendable, Hashable {
    public enum Action: String, Sendable, Hashable, CaseIterable {
        /// The effect, and with it the run, waits until the hours are over.
        case hold
        /// The effect fails with code `quiet_hours`, which the rule may handle.
        case refuse
    }

    /// Minutes after midnight; where `to` is not after `from`, the span runs over midnight.
    public var from: Int
    public var to: Int
    /// Of the host's setting: nothing tells where a participant is.
    public var zone: TimeZone
    public var action: Action
    /// How long after an inbound message of the conversation an answer to it may go out all the same.
    public var answerWindow: Duration

    /// - Parameters:
    ///   - from: `21:00`.
    ///   - to: `08:00`, which is not within.
    ///   - zone: A time zone's name: `Europe/Berlin`.
    /// - Throws: ``PolicyProblem``.
    public init(
        from: String, to: String, zone: String, action: Action = .hold, answerWindow: Duration = .seconds(900)
    ) throws(PolicyProblem) {
        func minutes(_ key: String, _ text: String) throws(PolicyProblem) -> Int {
            guard let minutes = OpeningHours.minutes(text) else {
                throw PolicyProblem(
                    key: "quiet_hours." + key, message: "\"\(text)\" is no time of day; write it as \"21:00\"")
            }
            return minutes % (24 * 60)
        }
        self.from = try minutes("from", from)
        self.to = try minutes("to", to)
        guard self.from != self.to else {
            throw PolicyProblem(key: "quiet_hours.to", message: "is the same as `from`, so the hours would never end")
        }
        guard let zone = TimeZone(identifier: zone) else {
            throw PolicyProblem(
                key: "quiet_hours.zone", message: "\"\(zone)\" is no time zone; one is called \"Europe/Berlin\"")
        }
        guard answerWindow >= .zero else {
            throw PolicyProblem(key: "quiet_hours.answer_window", message: "must not be negative")
        }
        self.zone = zone
        self.action = action
        self.answerWindow = answerWindow
    }

    /// When the hours that `date` falls into end; nil outside of them.
    func end(at date: Date) -> Date? {
        guard OpeningHours(from: from, to: to, zone: zone, days: Set(1...7)).contain(date) else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        return calendar.nextDate(
            after: date, matching: DateComponents(hour: to / 60, minute: to % 60, second: 0),
            matchingPolicy: .nextTime)
    }

    /// When the hours end, as people read it: `08:00`.
    var endText: String {
        let text = String(to / 60 * 100 + to % 60)
        let padded = String(repeating: "0", count: 4 - text.count) + text
        return "\(padded.prefix(2)):\(padded.suffix(2))"
    }
}
