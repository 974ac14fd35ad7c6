/// Where a message can be sent to, in the one spelling in which it is compared, stored and sent: a phone number in E.164, a
/// US short code, an e-mail address (an Apple ID) in lower case, or a group's id.
///
/// The API takes phone numbers in any usual format, so whoever judges by an address has to know it in each of them. What is
/// no plain spelling is no address: guessing at it would let two parties take it for two different people.
/// Source: AgentPhone API reference, "Send message", `to_number`.
public struct ParticipantAddress: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable { case phoneNumber, shortCode, email, group }

    public let kind: Kind
    public let text: String

    public var description: String { text }

    /// Reads an address; a phone number in any usual format: `+1 (555) 123-4567`, `555.123.4567`, `15551234567`.
    ///
    /// Ten digits without `+` are taken for a number of the North American plan, as are eleven that begin with 1. Nil for
    /// extensions, a trunk prefix (`+44 (0)20 …`), an international prefix (`0044…`), letters and digits of other scripts,
    /// and marks that nobody sees.
    public init?(_ input: String) {
        let scalars = Self.trimmed(input)
        let text = String(scalars)
        let address: (Kind, String)? =
            if text.hasPrefix("grp_") {
                Self.isGroup(text) ? (.group, text) : nil
            } else if text.utf8.contains(UInt8(ascii: "@")) {
                Self.email(text).map { (.email, $0) }
            } else {
                Self.number(scalars)
            }
        guard let address else { return nil }
        (kind, self.text) = address
    }

    /// An address in its one spelling, and other text as it is: for comparing what the API and rules call a participant.
    public static func spelling(of text: String) -> String { ParticipantAddress(text)?.text ?? text }

    public var isPhoneNumber: Bool { kind == .phoneNumber }

    /// Whether it is one person's, as far as an address tells.
    public var isPerson: Bool { kind == .phoneNumber || kind == .email }

    // MARK: Reading

    /// Only blanks that people type: Foundation's set of them has a mark that nobody sees, U+200B.
    private static let blanks: Set<Unicode.Scalar> = [" ", "\t", "\n", "\r", "\u{A0}"]
    private static let separators: Set<Unicode.Scalar> = [" ", "-", "(", ")", ".", "/", "\u{A0}", "\u{2011}"]

    private static func trimmed(_ input: String) -> String.UnicodeScalarView.SubSequence {
        let start = input.unicodeScalars.drop { blanks.contains($0) }
        guard let end = start.lastIndex(where: { !blanks.contains($0) }) else { return start }
        return start[...end]
    }

    private static func number(_ input: String.UnicodeScalarView.SubSequence) -> (Kind, String)? {
        let isURI = String(input.prefix(4)).lowercased() == "tel:"
        let scalars = isURI ? input.dropFirst(4) : input
        // A trunk prefix is dialled at home and dropped from abroad; which of them is meant can't be told.
        guard !String(scalars).contains("(0)") else { return nil }
        let compact = scalars.filter { !separators.contains($0) }
        let isInternational = compact.first == "+"
        let digits = isInternational ? compact.dropFirst() : compact[...]
        guard !digits.isEmpty, digits.allSatisfy({ ("0"..."9").contains($0) }) else { return nil }
        let text = String(digits)
        switch (isInternational, digits.count) {
        // E.164 allows at most 15 digits, and no country code begins with 0. Source: ITU-T E.164, 6.2.
        case (true, 7...15) where digits.first != "0": return (.phoneNumber, "+" + text)
        // No area code of North America begins with 0 or 1, but numbers of other countries as they are dialled there do.
        // Source: NANPA, "Area codes: N is any digit from 2 to 9".
        case (false, 10) where digits.first.map { $0 >= "2" } == true: return (.phoneNumber, "+1" + text)
        case (false, 11) where digits.first == "1" && digits.dropFirst().first.map { $0 >= "2" } == true:
            return (.phoneNumber, "+" + text)
        case (false, 3...6) where !isURI: return (.shortCode, text)
        default: return nil
        }
    }

    private static func isGroup(_ text: String) -> Bool {
        text.utf8.count > 4 && text.utf8.count <= 128
            && text.utf8.allSatisfy { isLetterOrDigit($0) || "_-".utf8.contains($0) }
    }

    /// Lower case, since nobody's Apple ID differs from another's only by case.
    private static func email(_ text: String) -> String? {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, text.utf8.count <= 254, !parts[0].isEmpty,
            parts[0].allSatisfy({ isLetterOrDigit($0) || localMarks.contains($0) })
        else { return nil }
        let labels = parts[1].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.count > 1,
            labels.allSatisfy({ !$0.isEmpty && $0.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") } })
        else { return nil }
        return text.lowercased()
    }

    /// What an unquoted local part may hold besides letters and digits. Source: RFC 5322, 3.2.3, `atext`, and the dot.
    private static let localMarks = Set(".!#$%&'*+-/=?^_`{|}~".utf8)

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}
