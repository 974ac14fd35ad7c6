/// How polling goes on while looks fail: less and less often, and without a warning for each.
struct PollTrouble: Sendable {
    /// The longest time between looks, unless the interval itself is longer or the server asks for more.
    private static let longestWait: Duration = .seconds(300)

    let interval: Duration
    private var failures = 0
    private var message: String?

    init(interval: Duration) { self.interval = interval }

    /// Whether the message wasn't that of the look before.
    mutating func isNew(_ message: String) -> Bool {
        defer { self.message = message }
        return self.message != message
    }

    /// A look failed.
    ///
    /// - Parameter isPartial: Whether only some conversation could not be read: then there is no reason to look less often.
    /// - Returns: How long to wait: the interval, twice it after the second failure in a row, and so on.
    mutating func wait(retryAfter: Duration?, isPartial: Bool) -> Duration {
        failures = isPartial ? 0 : failures + 1
        let factor = 1 << min(max(failures - 1, 0), 16)
        return max(interval, min(interval * factor, Self.longestWait), retryAfter ?? .zero)
    }

    /// A look succeeded.
    ///
    /// - Returns: Whether the one before failed.
    mutating func ends() -> Bool {
        defer { self = PollTrouble(interval: interval) }
        return message != nil
    }
}
