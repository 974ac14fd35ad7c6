import Crypto
public import Foundation

/// How deliveries are signed: `sha256=` and the lower-case hex HMAC-SHA256 of `timestamp + "." + body`.
///
/// The key is the secret's text as it is, its `whsec_` included; the timestamp is Unix seconds in decimal.
/// Source: AgentPhone guide "Webhooks", and the verification code of its Python SDK.
public enum WebhookSignature {
    public static let signatureHeader = "X-Webhook-Signature"
    public static let timestampHeader = "X-Webhook-Timestamp"
    public static let deliveryHeader = "X-Webhook-ID"
    public static let eventHeader = "X-Webhook-Event"

    /// Largest distance of a delivery's timestamp from now, in either direction. Source: AgentPhone guide "Webhooks".
    public static let defaultTolerance: Duration = .seconds(300)

    public static func sign(_ body: Data, timestamp: Int64, secret: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: signed(body, String(timestamp)), using: key(secret))
        return "sha256=" + code.map { hexDigit($0 >> 4) + hexDigit($0 & 15) }.joined()
    }

    /// Verifies that a delivery was signed with one of `secrets`; the comparison takes the same time for any guess.
    ///
    /// An empty secret never fits: anyone could sign with it.
    ///
    /// - Throws: ``WebhookError``: `.notSigned` for missing or malformed headers, `.stale` past `tolerance`, `.mismatch`
    ///   if no secret fits.
    public static func verify(
        _ body: Data, signature: String?, timestamp: String?, secrets: [String], now: Date,
        tolerance: Duration = defaultTolerance
    ) throws(WebhookError) {
        let (code, timestamp) = try read(signature: signature, timestamp: timestamp, now: now, tolerance: tolerance)
        let text = signed(body, timestamp)
        let matches = secrets.map { secret in
            !secret.isEmpty
                && HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: text, using: key(secret))
        }
        // The answer goes to whoever asked, so it doesn't say how many secrets there are.
        guard matches.contains(true) else {
            throw WebhookError(.mismatch, "the signature fits none of the secrets configured")
        }
    }

    /// Checks what can be told from the headers alone, before a body is read.
    ///
    /// - Throws: ``WebhookError``: `.notSigned` or `.stale`, as ``verify(_:signature:timestamp:secrets:now:tolerance:)``.
    public static func checkHeaders(
        signature: String?, timestamp: String?, now: Date, tolerance: Duration = defaultTolerance
    ) throws(WebhookError) {
        _ = try read(signature: signature, timestamp: timestamp, now: now, tolerance: tolerance)
    }

    private static func read(
        signature: String?, timestamp: String?, now: Date, tolerance: Duration
    ) throws(WebhookError) -> (code: Data, timestamp: String) {
        guard let signature, let code = bytes(ofSignature: signature) else {
            throw WebhookError(
                .notSigned, "\(signatureHeader) is missing or not \"sha256=\" with 64 hex digits")
        }
        guard let timestamp, timestamp.utf8.count <= 20, let seconds = Int64(timestamp) else {
            throw WebhookError(.notSigned, "\(timestampHeader) is missing or not a whole number of seconds")
        }
        let age = now.timeIntervalSince1970 - Double(seconds)
        guard abs(age) <= tolerance / .seconds(1) else {
            throw WebhookError(
                .stale,
                "the timestamp is \(Int(min(abs(age), 1e12))) s \(age > 0 ? "old" : "ahead"), over the \(tolerance) allowed"
            )
        }
        return (code, timestamp)
    }

    private static func key(_ secret: String) -> SymmetricKey { SymmetricKey(data: Data(secret.utf8)) }

    private static func signed(_ body: Data, _ timestamp: String) -> Data { Data(timestamp.utf8) + [0x2E] + body }

    private static func hexDigit(_ value: UInt8) -> String { String(value, radix: 16) }

    private static func bytes(ofSignature signature: String) -> Data? {
        guard signature.hasPrefix("sha256="), signature.utf8.count == 71 else { return nil }
        let digits = signature.utf8.dropFirst(7).map { Character(Unicode.Scalar($0)).hexDigitValue }
        var result = Data()
        for index in stride(from: 0, to: 64, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            result.append(UInt8(high * 16 + low))
        }
        return result
    }
}

/// Why a delivery was refused.
public struct WebhookError: Error, Sendable, Hashable {
    public enum Code: String, Sendable, Hashable {
        case notSigned = "not_signed"
        case mismatch
        case stale
        /// The body is no event that this version reads.
        case malformed
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
