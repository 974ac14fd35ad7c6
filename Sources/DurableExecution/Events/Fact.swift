public import Foundation

/// Something that an event says and that counts from its acceptance on, whatever becomes of the event: a person's word
/// that they want no more messages.
///
/// Kept in the rules' store, in the transaction that accepts the event. Of two facts of one scope and key the later one
/// stays, by their own times and in whichever order they are kept.
public struct Fact: Sendable, Hashable {
    /// No scope of a pack.
    public var scope: String
    public var key: String
    /// JSON.
    public var value: Data
    /// When it was said.
    public var at: Date

    public init(scope: String, key: String, value: Data, at: Date) {
        self.scope = scope
        self.key = key
        self.value = value
        self.at = at
    }
}

extension Fact {
    /// As the store keeps it, JSON: `[microseconds, value]`.
    var stored: Data { Data("[\(at.microseconds),".utf8) + value + Data("]".utf8) }

    /// - Throws: ``EngineError``, `corrupted`, if `stored` is no fact.
    init(scope: String, key: String, stored: Data) throws(EngineError) {
        let end = stored.firstIndex(of: UInt8(ascii: ","))
        guard let end, stored.first == UInt8(ascii: "["), stored.last == UInt8(ascii: "]"),
            let time = Int64(String(decoding: stored[stored.startIndex..<end].dropFirst(), as: UTF8.self))
        else { throw EngineError(.corrupted, "what is kept as \(key) in \(scope) can't be read") }
        self.init(
            scope: scope, key: key, value: Data(stored[stored.index(after: end)...].dropLast()),
            at: Date(microseconds: time))
    }

    /// Whether this takes the place of `former`, as stored. What can't be read gives way.
    func replaces(_ former: Data?) -> Bool {
        guard let former, let known = try? Fact(scope: scope, key: key, stored: former) else { return true }
        return known.at <= at.storable
    }
}
