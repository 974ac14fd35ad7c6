import CustomDump
import Testing

@testable import ConversationGateway

@Suite struct PhoneAddressTests {
    @Test(arguments: [
        ("+15551234567", "+15551234567"), ("+1 (555) 123-4567", "+15551234567"), ("555.123.4567", "+15551234567"),
        ("15551234567", "+15551234567"), ("+4930123456", "+4930123456"), (" +15551234567 ", "+15551234567"),
        ("12345", "12345"), ("Jane@Example.com", "jane@example.com"),
    ])
    func `the usual spellings come to one`(input: String, text: String) {
        expectNoDifference(PhoneAddress(input)?.text, text)
    }

    @Test(arguments: [
        "", " ", "+", "nobody", "+0123456789", "+1234567890123456", "5551234", "+1555x234567", "@", "a@", "@b.c",
        "a@b", "a b@c.d", "a@b@c.d", "12", "٥٥٥١٢٣٤٥٦٧",
    ])
    func `other text is no address`(input: String) {
        expectNoDifference(PhoneAddress(input)?.text, nil)
    }
}
