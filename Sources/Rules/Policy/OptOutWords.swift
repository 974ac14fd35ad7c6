import Foundation

/// The words by which a person says that they want no more messages, or want them again.
///
/// A word counts if it is the whole message, whatever its case and whatever punctuation or blanks are around it.
public struct OptOutWords: Sendable, Hashable {
    public enum Meaning: String, Sendable, Hashable, Codable { case stop, start }

    /// The words of 47 CFR 64.1200(a)(10), which calls each of them a revocation of consent, and Twilio's `STOPALL` and
    /// `OPTOUT` ("Twilio support for opt-out keywords").
    public static let defaultStop = [
        "stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "opt out", "optout",
    ]

    /// Twilio's opt-in words without `YES`: it answers too many questions to be taken for consent.
    public static let defaultStart = ["start", "unstop"]

    private let meanings: [String: Meaning]

    public init() {
        meanings = Self.table(stop: Self.defaultStop, start: Self.defaultStart)
    }

    /// - Parameters:
    ///   - stop: Empty turns opting out off, where the provider takes care of it.
    ///   - start: Words that undo it.
    /// - Throws: ``PolicyProblem`` for a word without a letter or digit, and for one that means both.
    public init(stop: [String], start: [String]) throws(PolicyProblem) {
        for (key, words) in [("opt_out.stop", stop), ("opt_out.start", start)] {
            guard let empty = words.first(where: { Self.normalized($0).isEmpty }) else { continue }
            throw PolicyProblem(key: key, message: "\"\(empty)\" holds no letter or digit")
        }
        let stops = Set(stop.map(Self.normalized))
        if let both = start.first(where: { stops.contains(Self.normalized($0)) }) {
            throw PolicyProblem(key: "opt_out.start", message: "\"\(both)\" is among the words of opt_out.stop too")
        }
        meanings = Self.table(stop: stop, start: start)
    }

    /// What a message says; nil for any other text.
    func meaning(of text: String) -> Meaning? {
        // Looking at each long text anew would cost time for nothing.
        guard text.utf8.count <= 64 else { return nil }
        return meanings[Self.normalized(text)]
    }

    private static func table(stop: [String], start: [String]) -> [String: Meaning] {
        var table: [String: Meaning] = [:]
        for word in start { table[normalized(word)] = .start }
        for word in stop { table[normalized(word)] = .stop }
        return table
    }

    /// The words in lower case with single blanks between them, without what is no letter or digit at either end.
    static func normalized(_ text: String) -> String {
        text.lowercased()
            .split(whereSeparator: \.isWhitespace)
            .map { $0.drop(while: isEdge) }
            .map { $0.dropLast($0.reversed().prefix(while: isEdge).count) }
            .filter { !$0.isEmpty }
            .joined(separator: " ")
    }

    private static func isEdge(_ character: Character) -> Bool { !character.isLetter && !character.isNumber }
}
