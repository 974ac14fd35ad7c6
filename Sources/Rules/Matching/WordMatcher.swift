import Foundation

/// Finds whole words and phrases in a text, whatever their case.
///
/// Both sides are folded (so that "STRASSE" finds "straße") and cut into words: runs of letters, digits and marks; each
/// emoji or other symbol is a word of its own. A phrase matches where its words follow each other.
struct WordMatcher: Sendable, Hashable {
    private let phrases: [[String]]

    init(_ phrases: [String]) {
        self.phrases = phrases.map(Self.words(of:))
    }

    /// Whether a phrase has any word at all: one without would match nothing.
    static func hasWords(_ phrase: String) -> Bool { !words(of: phrase).isEmpty }

    func matches(_ text: String) -> Bool {
        let words = Self.words(of: text)
        return phrases.contains { phrase in
            guard !phrase.isEmpty, phrase.count <= words.count else { return false }
            return (0...words.count - phrase.count).contains { start in
                words[start] == phrase[0] && words[start..<start + phrase.count].elementsEqual(phrase)
            }
        }
    }

    private static func words(of text: String) -> [String] {
        var words: [String] = []
        var current = ""
        for character in text {
            if character.isLetter || character.isNumber && !character.isEmojiSymbol {
                current.append(character)
                continue
            }
            if !current.isEmpty { words.append(fold(current)) }
            current = ""
            if character.isSymbol || character.isEmojiSymbol { words.append(String(character)) }
        }
        if !current.isEmpty { words.append(fold(current)) }
        return words
    }

    /// Upper then lower case: what Unicode calls full case folding, but for a few letters of Cherokee.
    private static func fold(_ word: String) -> String {
        word.precomposedStringWithCanonicalMapping.uppercased().lowercased()
    }
}

extension Character {
    fileprivate var isEmojiSymbol: Bool {
        unicodeScalars.first.map { $0.properties.isEmojiPresentation || $0.value > 0x1F000 } ?? false
    }
}
