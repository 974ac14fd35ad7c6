public import Conversations

/// A script of phones talking, as `tidewire sim play` plays it. Read from YAML or JSON by any decoder.
///
/// ```yaml
/// phones:
///   jane: { address: "+15559876543" }
///   otto: { address: "+15550000002", imessage: false }
/// steps:
///   - text: { from: jane, body: "Where is my order?" }
///   - wait: 2s
///   - text: { from: jane, media: [parcel.png, label.png] }
///   - react: { from: jane, to: agent, with: like }
/// ```
public struct Scene: Sendable, Hashable, Decodable {
    public struct Phone: Sendable, Hashable, Decodable {
        public var address: String
        /// True if left out.
        public var imessage: Bool?
    }

    /// A message from a phone.
    public struct Text: Sendable, Hashable, Decodable {
        /// The phone's name in the scene.
        public var from: String
        /// The project's number; its oldest if nil.
        public var to: String?
        public var body: String?
        /// URLs, or files that the player finds.
        public var media: [String]?
        /// A name for the (first) message, for a later reaction.
        public var name: String?
    }

    /// A tapback from a phone.
    public struct Tapback: Sendable, Hashable, Decodable {
        public var from: String
        /// The name of an earlier message of the scene, or `agent` for the latest message that the phone was sent.
        public var to: String
        public var with: ReactionType
    }

    public enum Step: Sendable, Hashable {
        case wait(Duration)
        case text(Text)
        case react(Tapback)
    }

    public var phones: [String: Phone]
    public var steps: [Step]
}

extension Scene.Step: Decodable {
    private enum Key: String, CodingKey, CaseIterable { case wait, text, react }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard container.allKeys.count == 1, let key = container.allKeys.first else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "a step is one of \(Key.allCases.map(\.rawValue).joined(separator: ", "))"))
        }
        switch key {
        case .wait:
            let text = try container.decode(String.self, forKey: .wait)
            guard let duration = Self.duration(text) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .wait, in: container, debugDescription: "\"\(text)\" is no duration such as 500ms, 2s or 1m"
                )
            }
            self = .wait(duration)
        case .text: self = .text(try container.decode(Scene.Text.self, forKey: .text))
        case .react: self = .react(try container.decode(Scene.Tapback.self, forKey: .react))
        }
    }

    /// Reads a number with its unit: `ms`, `s`, `m` or `h`; at most a day.
    static func duration(_ text: String) -> Duration? {
        let number = text.prefix { $0.isNumber || $0 == "." }
        guard let value = Double(number), value.isFinite else { return nil }
        let units: [String: Double] = ["ms": 0.001, "s": 1, "m": 60, "h": 3600]
        guard let unit = units[String(text.dropFirst(number.count))], value * unit <= 86400 else { return nil }
        return .seconds(value * unit)
    }
}
