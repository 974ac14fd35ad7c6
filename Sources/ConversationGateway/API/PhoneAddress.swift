import Foundation

/// Where a message can be sent to: a phone number in E.164, a US short code, or an e-mail address (an Apple ID).
///
/// Source: AgentPhone API reference, "Send message", `to_number`.
struct PhoneAddress: Sendable, Hashable {
    enum Kind: Sendable { case phoneNumber, shortCode, email }

    let kind: Kind
    /// In the one spelling that it is stored and compared in.
    let text: String

    var isPhoneNumber: Bool { kind == .phoneNumber }

    /// Reads a phone number in any usual format: `+1 (555) 123-4567`, `555.123.4567`, `15551234567`.
    ///
    /// Ten digits without `+` are taken for a number of the North American plan, as are eleven that begin with 1.
    init?(_ input: String) {
        let trimmed = input.trimmingCharacters(in: .whitespacesAndNewlines)
        if trimmed.contains("@") {
            guard let email = Self.email(trimmed) else { return nil }
            (kind, text) = (.email, email)
            return
        }
        let separators: Set<Character> = [" ", "-", "(", ")", ".", "/", "\u{A0}", "\u{2011}"]
        let compact = trimmed.filter { !separators.contains($0) }
        let digits = compact.hasPrefix("+") ? compact.dropFirst() : compact[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        switch (compact.hasPrefix("+"), digits.count) {
        // E.164 allows at most 15 digits, and no country code begins with 0. Source: ITU-T E.164, 6.2.
        case (true, 7...15) where digits.first != "0": (kind, text) = (.phoneNumber, "+" + digits)
        case (false, 10): (kind, text) = (.phoneNumber, "+1" + digits)
        case (false, 11) where digits.first == "1": (kind, text) = (.phoneNumber, "+" + digits)
        case (false, 3...6): (kind, text) = (.shortCode, String(digits))
        default: return nil
        }
    }

    /// Lower case, since nobody's Apple ID differs from another's only by case.
    private static func email(_ input: String) -> String? {
        let parts = input.split(separator: "@", omittingEmptySubsequences: false)
        let isPlain = input.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
        guard parts.count == 2, !parts[0].isEmpty, parts[1].contains("."), isPlain, input.utf8.count <= 254 else {
            return nil
        }
        return input.lowercased()
    }
}
