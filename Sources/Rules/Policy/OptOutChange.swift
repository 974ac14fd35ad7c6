/// A participant's word that turned messages from a number off or on again.
public struct OptOutChange: Sendable, Hashable {
    public var participant: String
    public var number: String
    /// Whether nothing may be sent to them now.
    public var isOut: Bool
    public var word: String
}
