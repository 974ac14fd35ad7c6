/// By key of a conversation's metadata, the latest change that a run of another conversation made, or was about to make.
struct MetadataVisits: Sendable, Hashable, Codable {
    struct Visit: Sendable, Hashable, Codable {
        var turn: MetadataLedger.Turn
        var effect: FuseBox.Effect
    }

    /// Keys that are remembered, the latest first; rules that visit with more have bigger troubles.
    private static let limit = 256

    private var keys: [String: Visit] = [:]
    /// Of all keys at once.
    private var whole: Visit?

    /// Each with the keys that it concerns; nil for all.
    var all: [(keys: Set<String>?, visit: Visit)] {
        keys.map { ([$0.key], $0.value) } + (whole.map { [(nil, $0)] } ?? [])
    }

    /// - Parameter names: Nil for all.
    mutating func add(_ visit: Visit, to names: Set<String>?) {
        guard let names else { return whole = Self.later(whole, visit) }
        for name in names { keys[name] = Self.later(keys[name], visit) }
        guard keys.count > Self.limit else { return }
        let latest = keys.sorted { $1.value.turn < $0.value.turn }.prefix(Self.limit)
        keys = Dictionary(uniqueKeysWithValues: latest.map { ($0.key, $0.value) })
    }

    private static func later(_ present: Visit?, _ new: Visit) -> Visit {
        guard let present, new.turn < present.turn else { return new }
        return present
    }
}
