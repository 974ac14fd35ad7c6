import Foundation

/// Times are stored as whole microseconds since 1970: they sort and compare in SQL, are exact and small, and have no time zone.
extension Date {
    var microseconds: Int64 {
        let value = (timeIntervalSince1970 * 1_000_000).rounded()
        // A time beyond the year 290,000 would trap in the conversion; such a time only comes from bad input.
        return Int64(exactly: min(max(value, -9e18), 9e18)) ?? 0
    }

    init(microseconds: Int64) {
        self.init(timeIntervalSince1970: Double(microseconds) / 1_000_000)
    }

    /// This time as the store gives it back.
    var storable: Date { Date(microseconds: microseconds) }

    func adding(_ duration: Duration) -> Date { addingTimeInterval(duration / .seconds(1)) }

    /// The time from `earlier` to this.
    func since(_ earlier: Date) -> Duration { .seconds(timeIntervalSince(earlier)) }
}
