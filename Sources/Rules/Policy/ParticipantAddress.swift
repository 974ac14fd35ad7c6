/// A phone number, e-mail address or group's id in the one spelling in which policy compares them.
///
/// The API takes numbers in any usual format, so a person who opted out must be recognised in each of them.
/// Source: AgentPhone API reference, "Send message", `to_number`.
struct ParticipantAddress: Sendable, Hashable, CustomStringConvertible {
    let text: String

    /// Ten digits without `+` are taken for a number of the North American plan, as are eleven that begin with 1.
    init(_ input: String) {
        let trimmed = input.trimmingPrefix("tel:").filter { !$0.isWhitespace }
        let digits = trimmed.filter { $0.isASCII && $0.isNumber }
        let isNumber = !digits.isEmpty && trimmed.allSatisfy { !$0.isLetter && $0 != "@" && $0 != "_" }
        guard isNumber else {
            text = trimmed.lowercased()
            return
        }
        text =
            switch digits.count {
            case _ where trimmed.contains("+"): "+" + digits
            case 10: "+1" + digits
            case 11 where digits.first == "1": "+" + digits
            default: digits
            }
    }

    /// Whether it names a group, whose members are not one person. Source: AgentPhone API reference, group ids.
    var isGroup: Bool { text.hasPrefix("grp_") }

    var description: String { text }
}
