import Testing

@testable import tidewire

@Suite struct VisibleTextTests {
    @Test(arguments: [
        ("plain — ünï ❤️", "plain — ünï ❤️"), ("two\r\nlines\t", "two  lines "),
        ("\u{1B}]0;title\u{07}", "\\u{1b}]0;title\\u{7}"),
        ("a\u{202E}b\u{2028}c\u{9B}2J", "a\\u{202e}b\\u{2028}c\\u{9b}2J"),
    ])
    func `others' texts can't steer the terminal`(_ text: String, _ shown: String) {
        #expect(text.visible == shown)
    }
}
