import Conversations
import CustomDump
import Foundation
import Testing

@Suite struct WebhookSignatureTests {
    private let body = Data(#"{"event":"agent.message","channel":"sms"}"#.utf8)
    private let secret = "whsec_test_secret"
    private let signature = "sha256=4782518bc982d33fbd36ca79845a71aadf10f2e8ca5020c649653d15e33b0da2"
    private let now = Date(timeIntervalSince1970: 1_736_942_400)

    /// The vector is one that the provider's Python SDK accepts.
    @Test func `the known vector is signed as the provider signs it`() {
        expectNoDifference(WebhookSignature.sign(body, timestamp: 1_736_942_400, secret: secret), signature)
    }

    @Test func `a good signature is accepted`() throws {
        try verify()
        try verify(signature: "sha256=" + signature.dropFirst(7).uppercased())
    }

    @Test func `any of several secrets will do`() throws {
        try verify(secrets: ["whsec_old", secret])
        try verify(secrets: [secret, "whsec_new"])
    }

    @Test(arguments: [["whsec_other"], [], ["test_secret"], ["whsec_test_secret "]])
    func `a signature that no secret fits is refused`(secrets: [String]) {
        expect(.mismatch) { try verify(secrets: secrets) }
    }

    @Test func `an empty secret never fits`() {
        let forged = WebhookSignature.sign(body, timestamp: 1_736_942_400, secret: "")
        expect(.mismatch) { try verify(signature: forged, secrets: ["", secret]) }
    }

    @Test func `a changed body, timestamp or signature is refused`() {
        expect(.mismatch) { try verify(body: body + [0x20]) }
        expect(.mismatch) { try verify(timestamp: "1736942401") }
        expect(.mismatch) { try verify(signature: signature.dropLast() + "3") }
    }

    @Test(arguments: [-300, -299, 0, 299, 300])
    func `a timestamp within five minutes either way is accepted`(seconds: Double) throws {
        try verify(now: now.addingTimeInterval(seconds))
    }

    @Test(arguments: [-301, 301, 86_400, 1e12])
    func `a timestamp further away is stale`(seconds: Double) {
        expect(.stale) { try verify(now: now.addingTimeInterval(seconds)) }
    }

    @Test(arguments: [
        nil, "", "sha256=", "4782518bc982d33fbd36ca79845a71aadf10f2e8ca5020c649653d15e33b0da2",
        "sha1=4782518bc982d33fbd36ca79845a71aadf10f2e8ca5020c649653d15e33b0da2",
        "sha256=4782518bc982d33fbd36ca79845a71aadf10f2e8ca5020c649653d15e33b0dag",
        "sha256=4782518bc982d33fbd36ca79845a71aadf10f2e8ca5020c649653d15e33b0da22",
        "sha256=é782518bc982d33fbd36ca79845a71aadf10f2e8ca5020c649653d15e33b0da",
    ])
    func `a signature of another form is refused as none`(text: String?) {
        expect(.notSigned) { try verify(signature: text) }
    }

    @Test(arguments: [nil, "", "now", "1736942400.0", "1e9", "99999999999999999999", "173694240017369424001"])
    func `a timestamp of another form is refused as none`(text: String?) {
        expect(.notSigned) { try verify(timestamp: text) }
    }

    @Test(arguments: [Int64.max, .min]) func `the widest timestamp is stale, not a trap`(seconds: Int64) {
        let signed = WebhookSignature.sign(body, timestamp: seconds, secret: secret)
        expect(.stale) { try verify(signature: signed, timestamp: String(seconds)) }
    }

    private func verify(
        body: Data? = nil, signature: String?? = .none, timestamp: String? = "1736942400", secrets: [String]? = nil,
        now: Date? = nil
    ) throws(WebhookError) {
        try WebhookSignature.verify(
            body ?? self.body, signature: signature ?? self.signature, timestamp: timestamp,
            secrets: secrets ?? [secret], now: now ?? self.now)
    }

    private func expect(_ code: WebhookError.Code, _ call: () throws -> Void) {
        let error = #expect(throws: WebhookError.self, performing: call)
        expectNoDifference(error?.code, code)
    }
}
