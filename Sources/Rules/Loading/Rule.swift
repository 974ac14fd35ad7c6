public import DurableExecution

/// A rule as its file declares it.
public struct Rule: Sendable, Hashable {
    /// Pack and file: `acme/photos:heart_photos`.
    public var name: String
    /// The file inside the pack: `rules/heart_photos.lua`.
    public var path: String
    public var trigger: ConversationEvent.Kind
    public var description: String?
    /// What a further start does while the rule has a run in the conversation.
    public var mode: StartMode
    var filter: Filter
    /// Whether the file has a `matches` function to ask after the filter.
    var hasMatches: Bool
}

/// What is wrong with a pack or a rule, where, and what to do.
public struct RuleProblem: Error, Sendable, Hashable {
    /// As the author knows the file: the path from the pack's folder on, or the folder.
    public var file: String
    /// From 1.
    public var line: Int?
    public var message: String
    /// The text of the line.
    public var sourceLine: String?

    public init(file: String, line: Int? = nil, message: String, sourceLine: String? = nil) {
        self.file = file
        self.line = line
        self.message = message
        self.sourceLine = sourceLine
    }
}

extension RuleProblem: CustomStringConvertible {
    /// `rules/heart.lua:3: unknown key …`, and below it the line itself.
    public var description: String {
        let position = line.map { "\(file):\($0)" } ?? file
        guard let sourceLine, let line else { return "\(position): \(message)" }
        return "\(position): \(message)\n  \(line) | \(sourceLine)"
    }
}

/// All that is wrong with a pack.
public struct RuleProblems: Error, Sendable, Hashable, CustomStringConvertible {
    public var problems: [RuleProblem]

    public init(_ problems: [RuleProblem]) {
        self.problems = problems
    }

    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
