import Conversations
import Foundation

/// Reads `Retry-After`: a number of seconds, or a date. Source: RFC 9110, section 10.2.3.
enum RetryAfter {
    /// Longest wait that is believed, so that a broken header parks nobody for ever.
    static let maximum: Duration = .seconds(86_400)

    /// - Parameter now: What a date counts from.
    /// - Returns: Zero to ``maximum``; nil for what is neither a number nor a date.
    static func duration(_ text: String, now: Date) -> Duration? {
        let text = text.trimmingCharacters(in: .whitespaces)
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return Int64(text).map { min(.seconds($0), maximum) } ?? maximum
        }
        guard let date = date(text) else { return nil }
        let seconds = (date.timeIntervalSince(now)).rounded(.up)
        return .seconds(min(max(seconds, 0), maximum / .seconds(1)))
    }

    /// Reads the three forms of an HTTP date. Source: RFC 9110, section 5.6.7.
    static func date(_ text: String) -> Date? {
        let parts = text.split { " ,-".contains($0) }.map(String.init)
        let (day, month, year, time): (String, String, String, String)
        switch parts.count {
        case 6 where parts[5] == "GMT": (day, month, year, time) = (parts[1], parts[2], parts[3], parts[4])
        case 5: (month, day, time, year) = (parts[1], parts[2], parts[3], parts[4])
        default: return nil
        }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard let index = months.firstIndex(of: month) else { return nil }
        func two(_ text: String) -> String { text.count == 1 ? "0" + text : text }
        let fullYear = year.count == 2 ? "20" + year : year
        return Timestamp("\(fullYear)-\(two("\(index + 1)"))-\(two(day))T\(time)Z")?.date
    }
}
