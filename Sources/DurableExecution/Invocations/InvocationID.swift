/// The name of an invocation: its event's sequence and its place among the invocations of that event.
///
/// Made from what is stored already, a crash between matching and recording can't start the same rule under two names.
/// As text (`inv_` and 16 lower-case hexadecimal digits) they sort in the order in which they were made.
public struct InvocationID: Sendable, Hashable {
    /// How many invocations one event can start.
    public static let placeLimit = 1 << 16

    /// The sequence in 46 bits, the place in the lower 16.
    let number: Int64

    /// - Parameter place: From 0, below ``placeLimit``.
    public init(event: Int64, place: Int) {
        precondition(place >= 0 && place < Self.placeLimit && event >= 0 && event < 1 << 46)
        number = event << 16 | Int64(place)
    }

    init(number: Int64) { self.number = number }

    /// - Returns: nil if `text` is no such name.
    public init?(_ text: String) {
        let digits = text.dropFirst(4)
        guard text.hasPrefix("inv_"), digits.utf8.count == 16, let number = Int64(digits, radix: 16), number >= 0 else {
            return nil
        }
        self.number = number
    }

    /// The sequence of the event that started it.
    var event: Int64 { number >> 16 }

    public var text: String {
        let digits = String(number, radix: 16)
        return "inv_" + String(repeating: "0", count: 16 - digits.count) + digits
    }
}
