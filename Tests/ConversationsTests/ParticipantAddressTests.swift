import CustomDump
import Testing

@testable import Conversations

@Suite struct ParticipantAddressTests {
    @Test(arguments: [
        ("+15551234567", "+15551234567"), ("+1 (555) 123-4567", "+15551234567"), ("555.123.4567", "+15551234567"),
        ("15551234567", "+15551234567"), ("+4930123456", "+4930123456"), (" +15551234567 ", "+15551234567"),
        ("12345", "12345"), ("Jane@Example.com", "jane@example.com"), ("(555) 123-4567", "+15551234567"),
        ("5551234567", "+15551234567"), ("tel:+1-555-123-4567", "+15551234567"), ("TEL:5551234567", "+15551234567"),
        (" +1 555 123 4567 ", "+15551234567"), ("+44\u{A0}20 7183 8750", "+442071838750"), ("1@2.de", "1@2.de"),
        ("o'neil+x@mail-1.example.com\n", "o'neil+x@mail-1.example.com"), ("grp_Abc1", "grp_Abc1"),
    ])
    func `the usual spellings come to one`(input: String, text: String) {
        expectNoDifference(ParticipantAddress(input)?.text, text)
        expectNoDifference(ParticipantAddress(text)?.text, text, "it is its own spelling")
    }

    @Test(arguments: [
        "", " ", "+", "nobody", "+0123456789", "+1234567890123456", "5551234", "+1555x234567", "@", "a@", "@b.c",
        "a@b", "a b@c.d", "a@b@c.d", "12", "٥٥٥١٢٣٤٥٦٧", "grp_", "grp_a b", "tel:12345", "tel:a@b.de",
        // Each of these reaches somebody for one who judges it, and perhaps somebody else for one who sends to it.
        "jane@example.com\u{200B}", "\u{200B}jane@example.com", "jane@example.com.", "mailto:jane@example.com",
        "jane\u{FEFF}@example.com", "jane\u{AD}@example.com", "ja\u{2060}ne@example.com", "j\u{E4}ne@example.com",
        "+44 (0)20 7183 8750", "+442071838750;ext=1", "+442071838750x1", "+442071838750,1", "0044 20 7183 8750",
        "011442071838750", "+４４2071838750", "\u{200B}+442071838750", "+44207183\u{AD}8750", "++442071838750",
        "0612345678", "1234567890", "10612345678", "442071838750", "4+42071838750", "<jane@example.com>",
        "\"jane\"@example.com", "jane@-.com\u{0}",
    ])
    func `other text is no address`(input: String) {
        expectNoDifference(ParticipantAddress(input)?.text, nil)
        expectNoDifference(ParticipantAddress.spelling(of: input), input, "it is only like itself")
    }

    @Test func `what it reaches is known by its kind`() {
        expectNoDifference(
            ["+15551234567", "12345", "a@b.de", "grp_1"].map { ParticipantAddress($0)?.kind },
            [.phoneNumber, .shortCode, .email, .group])
    }
}
