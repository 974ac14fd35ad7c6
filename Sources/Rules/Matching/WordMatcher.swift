import Foundation

/// Finds whole words and phrases in a text, whatever their case.
///
/// Both sides are folded (so that "STRASSE" finds "straße") and cut into words: runs of letters, digits and marks; each
/// emoji or other symbol is a word of its own, and so is each letter of the scripts that put no spaces between words
/// (Chinese, Japanese, Thai, Lao, Burmese, Khmer). A phrase matches where its words follow each other.
struct WordMatcher: Sendable, Hashable {
    private let phrases: [[String]]

    init(_ phrases: [String]) {
        self.phrases = phrases.map(Self.words(of:))
    }

    /// Whether a phrase has any word at all: one without would match nothing.
    static func hasWords(_ phrase: String) -> Bool { !words(of: phrase).isEmpty }

    /// A text cut into words, once for all that look at it.
    struct Text: Sendable {
        let words: [String]
        /// Each word once.
        let distinct: Set<String>

        init(_ text: String) {
            words = WordMatcher.words(of: text)
            distinct = Set(words)
        }
    }

    /// A text can only match if it has one of these.
    var firstWords: [String] { phrases.compactMap(\.first) }

    func matches(_ text: String) -> Bool { matches(Text(text)) }

    func matches(_ text: Text) -> Bool {
        let words = text.words
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
            let isText = character.isLetter || character.isNumber && !character.isEmojiSymbol
            if isText, !character.isWordOfItsOwn {
                current.append(character)
                continue
            }
            if !current.isEmpty { words.append(fold(current)) }
            current = ""
            if isText {
                words.append(fold(String(character)))
            } else if character.isSymbol || character.isEmojiSymbol {
                words.append(character.withoutVariation)
            }
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

    /// Whether its script puts no spaces between words. Source: Unicode Standard Annex 29, 4 "Word Boundaries".
    fileprivate var isWordOfItsOwn: Bool {
        guard let scalar = unicodeScalars.first else { return false }
        switch scalar.value {
        case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x3040...0x30FF: return true
        default: return scalar.properties.isIdeographic
        }
    }

    /// A heart with and without the selector that asks for its colourful form are one word.
    fileprivate var withoutVariation: String {
        String(String.UnicodeScalarView(unicodeScalars.filter { $0.value != 0xFE0E && $0.value != 0xFE0F }))
    }
}
