/// Makes ids and secrets.
///
/// An id is the documented prefix, the time in milliseconds and 60 random bits, both in base 32: new ids sort last, so
/// the indexes over them grow at one end. Source of the prefixes: AgentPhone guides.
enum Names {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz")

    static func id(_ prefix: String, at microseconds: Int64) -> String {
        let random = UInt64.random(in: 0..<(1 << 60))
        return prefix + "_" + text(UInt64(clamping: microseconds / 1000), digits: 9) + text(random, digits: 12)
    }

    /// A signing key of 256 bits from the system's generator.
    static func webhookSecret() -> String {
        let words = (0..<4).map { _ in UInt64.random(in: .min ... .max) }
        return "whsec_" + words.map { text($0, digits: 13) }.joined()
    }

    private static func text(_ value: UInt64, digits: Int) -> String {
        String((0..<digits).reversed().map { alphabet[Int(value >> (5 * UInt64($0)) & 31)] })
    }
}
