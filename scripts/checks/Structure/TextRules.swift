import Foundation

/// Rules that one file can break by itself.
enum TextRules {
    static let lineLimit = 400

    /// The file endings that rules of length and leftovers look at.
    private static let sources: Set = ["swift", "c", "h", "lua"]

    static func problems(in file: String, _ content: String) -> [Problem] {
        guard sources.contains((file as NSString).pathExtension) else { return [] }
        var problems = length(file, content)
        guard !file.hasSuffix(".lua") else {
            return problems + leftovers(file, content.split(separator: "\n", omittingEmptySubsequences: false))
        }
        let source = SourceText(content)
        problems += leftovers(file, source.lines.map { $0.comment[...] })
        if file.hasSuffix(".swift") {
            problems += traps(file, source) + unsafety(file, source)
        }
        return problems
    }

    private static func length(_ file: String, _ content: String) -> [Problem] {
        let count = content.count { $0.isNewline }
        guard count > lineLimit else { return [] }
        return [Problem(file: file, message: "\(count) lines, and \(lineLimit) is the limit: split it")]
    }

    private static func leftovers(_ file: String, _ lines: [Substring]) -> [Problem] {
        lines.enumerated().filter { $0.element.contains(/\b(TODO|FIXME|XXX)\b/) }.map { index, _ in
            Problem(file: file, line: index + 1, message: "unfinished work: finish it, or open an issue")
        }
    }

    /// Code that ends the process says why it can't happen.
    private static func traps(_ file: String, _ source: SourceText) -> [Problem] {
        problems(file, source, /\btry!|\bas!|\bfatalError\(/) { trap in
            "`\(trap)` without a comment beside it that says why it can't fail"
        }
    }

    /// Unsafe code stands where people look for it; what turns a check off says what protects instead.
    private static func unsafety(_ file: String, _ source: SourceText) -> [Problem] {
        let checksOff = /\bnonisolated\(unsafe\)|@unchecked Sendable\b/
        var found = problems(file, source, checksOff, orBelow: true) { word in
            "`\(word)` without a comment beside it that says what protects the state"
        }
        if file.hasPrefix("Sources/Lua/") || file.hasSuffix("+System.swift") { return found }
        for (index, line) in source.lines.enumerated() {
            let code = line.code.replacing("nonisolated(unsafe)", with: "")
            guard code.contains(/\bunsafe\b/) else { continue }
            found.append(
                Problem(
                    file: file, line: index + 1,
                    message: "`unsafe` is written only in Sources/Lua and in files named Type+System.swift"))
        }
        return found
    }

    private static func problems(
        _ file: String, _ source: SourceText, _ pattern: Regex<Substring>, orBelow: Bool = false,
        _ message: (Substring) -> String
    ) -> [Problem] {
        source.lines.enumerated().compactMap { index, line in
            guard let match = line.code.firstMatch(of: pattern),
                !source.hasComment(at: index + 1, orBelow: orBelow)
            else { return nil }
            return Problem(file: file, line: index + 1, message: message(match.output))
        }
    }
}
