import CustomDump
import Testing

@testable import Rules

@Suite struct ParticipantAddressTests {
    @Test(arguments: [
        "+15559876543", "+1 (555) 987-6543", "(555) 987-6543", "5559876543", "15559876543", "555.987.6543",
        "tel:+1-555-987-6543", " +1 555 987 6543 ",
    ])
    func `one number is recognised in each spelling`(_ text: String) {
        expectNoDifference(ParticipantAddress(text).text, "+15559876543")
    }

    @Test(arguments: [
        ("Jane@Example.com", "jane@example.com"), ("12345", "12345"), ("grp_Abc1", "grp_abc1"), ("", ""),
        ("+442071838750", "+442071838750"), ("1@2.de", "1@2.de"),
    ])
    func `what is no number stays apart`(_ text: String, _ expected: String) {
        expectNoDifference(ParticipantAddress(text).text, expected)
    }

    @Test func `a group is known by its id`() {
        expectNoDifference(
            [ParticipantAddress("grp_1").isGroup, ParticipantAddress("+15559876543").isGroup], [true, false])
    }
}
