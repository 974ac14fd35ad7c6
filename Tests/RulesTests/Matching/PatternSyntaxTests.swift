import Lua
import TestSupport
import Testing

@testable import Rules

@Suite struct PatternSyntaxTests {
    static let malformed: [(pattern: String, problem: String)] = [
        ("a%", "it ends with %; for the sign write %%"), ("%", "it ends with %; for the sign write %%"),
        ("[a", "a \"[\" is not closed; for the sign write %["), ("x[", "a \"[\" is not closed; for the sign write %["),
        ("[]", "a \"[\" is not closed; for the sign write %["), ("[^]", "a \"[\" is not closed; for the sign write %["),
        ("[a%", "a \"[\" is not closed; for the sign write %["),
        ("[%]", "a \"[\" is not closed; for the sign write %["),
        ("(a", "a \"(\" is not closed"), ("a)", "a \")\" closes nothing; for the sign write %)"),
        ("((a)", "a \"(\" is not closed"), ("%b", "%b needs two characters, such as %b()"),
        ("%b(", "%b needs two characters, such as %b()"), ("%fa", "%f needs a set, such as %f[%a]"),
        ("%f", "%f needs a set, such as %f[%a]"), ("%f[a", "a \"[\" is not closed; for the sign write %["),
        ("%1", "%1 names no capture that is closed before it"),
        ("(a%1)", "%1 names no capture that is closed before it"),
        ("(a)%2", "%2 names no capture that is closed before it"),
        ("(a)%0", "%0 names no capture that is closed before it"),
        (String(repeating: "()", count: 33), "there are more than 32 captures"),
    ]

    static let sound = [
        "", "order", "^ORD%-(%d+)$", "[]]", "[^]]", "[%]]", "[a-z%-]+", "%b()", "%f[%a]x", "(a)%1", "((a)(b))%3", "()",
        "a-", "*", "+", "^^", "$$", "%%", "%]", "]", "}", "[a]]", "[^%s]", "ü", "%💛", "[💛]", "(%a)(%1)",
        String(repeating: "()", count: 32),
    ]

    @Test(arguments: malformed)
    func `a malformed pattern is told with what to write`(_ pattern: String, _ problem: String) {
        #expect(PatternSyntax.problem(in: pattern) == problem)
    }

    @Test(arguments: sound)
    func `a sound pattern has no problem`(_ pattern: String) {
        #expect(PatternSyntax.problem(in: pattern) == nil)
    }

    /// Lua only raises what it comes across, so a pattern that it raises for must be one that is told of.
    @Test(arguments: [1, SeededGenerator.freshSeed])
    func `whatever Lua raises for is told of`(seed: UInt64) throws {
        let state = try LuaState(LuaEnvironment())
        let subjects = ["", "a", "aa", "ab(c)d", "]", "%", "[", "ORD-17", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]
        for pattern in Self.malformed.map(\.pattern) + Self.sound + Self.generated(count: 3000, seed: seed) {
            let raises = subjects.contains { (try? PatternMatching.matches(pattern, $0, with: state)) == nil }
            if raises { #expect(PatternSyntax.problem(in: pattern) != nil, "\(pattern) by seed \(seed)") }
        }
    }

    private static func generated(count: Int, seed: UInt64) -> [String] {
        var generator = SeededGenerator(seed: seed)
        let parts = [
            "a", "b", "%", "[", "]", "(", ")", "^", "$", "-", "*", "%b", "%f", "%1", "%2", ".", "+", "?", "%d",
        ]
        return (0..<count).map { _ in
            (0..<Int.random(in: 1...7, using: &generator)).map { _ in parts.randomElement(using: &generator) ?? "" }
                .joined()
        }
    }
}
