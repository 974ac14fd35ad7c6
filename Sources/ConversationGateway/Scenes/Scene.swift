public import Conversations

/// A script of phones talking, as `tidewire sim play` plays it; ``Scene/init(yaml:files:)`` reads it.
public struct Scene: Sendable, Hashable {
    public struct Phone: Sendable, Hashable {
        public var address: String
        public var imessage: Bool

        public init(address: String, imessage: Bool = true) {
            self.address = address
            self.imessage = imessage
        }
    }

    /// A message from a phone.
    public struct Text: Sendable, Hashable {
        /// The phone's name in the scene.
        public var from: String
        /// The project's number; its oldest if nil.
        public var to: String?
        /// The group's name in the scene, to write there.
        public var group: String?
        public var body = ""
        /// URLs, or files that the player finds.
        public var media: [String] = []
        /// The message that it answers: the name of an earlier one, or ``Scene/agent``.
        public var replyTo: String?
        /// A name for the (first) message, for later steps.
        public var name: String?

        public init(from: String) { self.from = from }
    }

    /// A message of the agent's, sent by the public API.
    public struct Answer: Sendable, Hashable {
        /// The phone's name in the scene.
        public var to: String
        public var body: String
        public var name: String?

        public init(to: String, body: String, name: String? = nil) {
            self.to = to
            self.body = body
            self.name = name
        }
    }

    /// A tapback from a phone.
    public struct Tapback: Sendable, Hashable {
        public var from: String
        /// The name of an earlier message of the scene, or ``Scene/agent``.
        public var to: String
        public var with: ReactionType

        public init(from: String, to: String, with: ReactionType) {
            self.from = from
            self.to = to
            self.with = with
        }
    }

    /// A wait for the agent to answer.
    public struct Expectation: Sendable, Hashable {
        /// The phone that is to get the message.
        public var to: String
        /// What its text must hold; any if nil.
        public var body: String?
        public var within: Duration

        public init(to: String, body: String? = nil, within: Duration = .seconds(10)) {
            self.to = to
            self.body = body
            self.within = within
        }
    }

    public enum Action: Sendable, Hashable {
        case wait(Duration)
        case text(Text)
        case answer(Answer)
        case react(Tapback)
        case expect(Expectation)
    }

    public struct Step: Sendable, Hashable {
        /// Where it stands in the file, counted from 1.
        public var line: Int
        public var action: Action

        public init(line: Int, _ action: Action) {
            self.line = line
            self.action = action
        }
    }

    /// In place of a message's name: the latest message that the phone was sent.
    public static let agent = "agent"

    public var phones: [String: Phone]
    /// The phones' names in each group.
    public var groups: [String: [String]]
    public var steps: [Step]

    public init(phones: [String: Phone], groups: [String: [String]] = [:], steps: [Step]) {
        self.phones = phones
        self.groups = groups
        self.steps = steps
    }
}

/// Why a scene can't be played, or not to its end: fix the scene.
public struct SceneError: Error, Sendable, Hashable, CustomStringConvertible {
    public struct Problem: Sendable, Hashable, CustomStringConvertible {
        /// Counted from 1; nil where it is about no place in the file.
        public var line: Int?
        public var message: String

        public init(line: Int?, _ message: String) {
            self.line = line
            self.message = message
        }

        public var description: String { line.map { "line \($0): \(message)" } ?? message }
    }

    /// In the order of the file; never empty.
    public var problems: [Problem]

    public init(_ problems: [Problem]) { self.problems = problems }

    init(line: Int?, _ message: String) { self.init([Problem(line: line, message)]) }

    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
