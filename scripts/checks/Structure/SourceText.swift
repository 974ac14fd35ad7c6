/// The lines of a Swift or C source, each parted into code and comment. What stands in string literals is neither.
struct SourceText {
    struct Line {
        var code = ""
        var comment = ""

        var isComment: Bool { code.allSatisfy(\.isWhitespace) && !comment.isEmpty }
    }

    private(set) var lines: [Line] = [Line()]

    /// What the scanner is inside of; code is where the stack is empty or ends in an interpolation.
    private enum Context: Equatable {
        case lineComment
        case blockComment
        case string(hashes: Int, isMultiline: Bool)
        case interpolation(parentheses: Int)
    }

    private let characters: [Character]
    private var index = 0
    private var stack: [Context] = []

    init(_ text: String) {
        characters = Array(text)
        while index < characters.count { step() }
    }

    /// Whether the line, or one of its neighbours that is nothing else, is a comment. `number` is from 1.
    func hasComment(at number: Int, orBelow: Bool) -> Bool {
        !lines[number - 1].comment.isEmpty || (number > 1 && lines[number - 2].isComment)
            || (orBelow && number < lines.count && lines[number].isComment)
    }

    private mutating func step() {
        if characters[index].isNewline { return endLine() }
        switch stack.last {
        case .lineComment: addComment(1)
        case .blockComment: stepInBlockComment()
        case .string(let hashes, let isMultiline): stepInString(hashes, isMultiline)
        case .interpolation, nil: stepInCode()
        }
    }

    /// A literal of one line ends with it, so that a quote in a regular expression spoils no more than its line.
    private mutating func endLine() {
        lines.append(Line())
        index += 1
        while let last = stack.last {
            switch last {
            case .lineComment, .string(_, isMultiline: false): stack.removeLast()
            default: return
            }
        }
    }

    private mutating func stepInBlockComment() {
        if follows("/*") {
            stack.append(.blockComment)
            addComment(2)
        } else if follows("*/") {
            stack.removeLast()
            index += 2
        } else {
            addComment(1)
        }
    }

    private mutating func stepInString(_ hashes: Int, _ isMultiline: Bool) {
        let raw = String(repeating: "#", count: hashes)
        let end = (isMultiline ? "\"\"\"" : "\"") + raw
        if follows("\\" + raw + "(") {
            stack.append(.interpolation(parentheses: 0))
            index += 2 + hashes
        } else if follows("\\" + raw) {
            index += 1 + hashes
            if index < characters.count, !characters[index].isNewline { index += 1 }
        } else if follows(end) {
            stack.removeLast()
            index += end.count
            addCode("\"")
        } else {
            index += 1
        }
    }

    private mutating func stepInCode() {
        if follows("//") {
            stack.append(.lineComment)
            addComment(2)
        } else if follows("/*") {
            stack.append(.blockComment)
            addComment(2)
        } else if let hashes = stringStart() {
            let quotes = index + hashes
            let isMultiline = follows("\"\"\"", at: quotes)
            stack.append(.string(hashes: hashes, isMultiline: isMultiline))
            index = quotes + (isMultiline ? 3 : 1)
            addCode("\"")
        } else {
            countParenthesis()
            addCode(characters[index])
            index += 1
        }
    }

    private mutating func countParenthesis() {
        guard case .interpolation(let open) = stack.last else { return }
        if characters[index] == "(" {
            stack[stack.count - 1] = .interpolation(parentheses: open + 1)
        } else if characters[index] == ")" {
            stack[stack.count - 1] = .interpolation(parentheses: open - 1)
            if open == 0 { stack.removeLast() }
        }
    }

    /// How many `#` stand before the quote of a literal that begins here; nil if none does.
    private func stringStart() -> Int? {
        let hashes = characters[index...].prefix { $0 == "#" }.count
        return follows("\"", at: index + hashes) ? hashes : nil
    }

    private func follows(_ text: String, at start: Int? = nil) -> Bool {
        characters[min(start ?? index, characters.count)...].starts(with: text)
    }

    private mutating func addCode(_ character: Character) {
        lines[lines.count - 1].code.append(character)
    }

    private mutating func addComment(_ count: Int) {
        lines[lines.count - 1].comment.append(contentsOf: characters[index..<(index + count)])
        index += count
    }
}
