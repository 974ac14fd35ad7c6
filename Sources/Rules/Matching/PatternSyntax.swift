/// Finds what is malformed in a Lua pattern without matching it.
///
/// Lua itself notices only what the matching comes across, which depends on the text. A pattern is a plain sequence, so
/// reading it once from left to right finds the rest. Source: Lua 5.4 Reference Manual, 6.4.1 "Patterns".
struct PatternSyntax {
    /// As many as Lua's `LUA_MAXCAPTURES`. Source: Lua 5.4, lstrlib.c.
    private static let captureLimit = 32

    private var rest: ArraySlice<UInt8>
    /// Whether each capture so far has been closed.
    private var captures: [Bool] = []

    /// What is wrong with a pattern, in words for its author; nil if nothing is.
    static func problem(in pattern: String) -> String? {
        var syntax = PatternSyntax(rest: Array(pattern.utf8)[...])
        if syntax.rest.first == UInt8(ascii: "^") { syntax.rest.removeFirst() }
        while !syntax.rest.isEmpty {
            if let problem = syntax.readItem() { return problem }
        }
        return syntax.captures.contains(false) ? "a \"(\" is not closed" : nil
    }

    private init(rest: ArraySlice<UInt8>) {
        self.rest = rest
    }

    private mutating func readItem() -> String? {
        switch rest.removeFirst() {
        case UInt8(ascii: "("): openCapture()
        case UInt8(ascii: ")"): closeCapture()
        case UInt8(ascii: "%"): readEscape()
        case UInt8(ascii: "["): readSet()
        default: nil
        }
    }

    private mutating func openCapture() -> String? {
        captures.append(false)
        return captures.count > Self.captureLimit ? "there are more than \(Self.captureLimit) captures" : nil
    }

    private mutating func closeCapture() -> String? {
        guard let open = captures.lastIndex(of: false) else { return "a \")\" closes nothing; for the sign write %)" }
        captures[open] = true
        return nil
    }

    private mutating func readEscape() -> String? {
        guard let letter = rest.popFirst() else { return "it ends with %; for the sign write %%" }
        switch letter {
        case UInt8(ascii: "b"):
            guard rest.count >= 2 else { return "%b needs two characters, such as %b()" }
            rest.removeFirst(2)
        case UInt8(ascii: "f"):
            guard rest.popFirst() == UInt8(ascii: "[") else { return "%f needs a set, such as %f[%a]" }
            return readSet()
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            let index = Int(letter) - 0x31
            guard captures.indices.contains(index), captures[index] else {
                return "%\(index + 1) names no capture that is closed before it"
            }
        default: break
        }
        return nil
    }

    /// Reads a set whose bracket is open; a bracket that closes at once is one of its members.
    private mutating func readSet() -> String? {
        if rest.first == UInt8(ascii: "^") { rest.removeFirst() }
        repeat {
            guard let member = rest.popFirst() else { return "a \"[\" is not closed; for the sign write %[" }
            if member == UInt8(ascii: "%") { _ = rest.popFirst() }
        } while rest.first != UInt8(ascii: "]")
        rest.removeFirst()
        return nil
    }
}
