import Foundation

/// `hours = { from = "09:00", to = "17:30", zone = "Europe/Berlin", days = { "mon", "fri" } }`.
struct OpeningHours: Sendable, Hashable {
    static let dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    /// Minutes after midnight; `to` is not within. Where `to` is not after `from`, the span runs over midnight.
    var from: Int
    var to: Int
    var zone: TimeZone
    /// Calendar weekdays, Sunday is 1; a span over midnight belongs to the day it began on.
    var days: Set<Int>

    func contain(_ date: Date) -> Bool {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let parts = calendar.dateComponents([.hour, .minute, .weekday], from: date)
        let minute = (parts.hour ?? 0) * 60 + (parts.minute ?? 0)
        let weekday = parts.weekday ?? 1
        if from < to { return (from..<to).contains(minute) && days.contains(weekday) }
        if minute >= from { return days.contains(weekday) }
        return minute < to && days.contains(weekday == 1 ? 7 : weekday - 1)
    }

    /// Minutes after midnight of `HH:MM`; 24:00 is allowed.
    static func minutes(_ text: String) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].count == 2, (1...2).contains(parts[0].count),
            text.utf8.allSatisfy({ $0 == 0x3A || (0x30...0x39).contains($0) }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60
        else { return nil }
        let total = hour * 60 + minute
        return total <= 24 * 60 ? total : nil
    }
}
