extension ConversationUpdate {
    /// How deep metadata may nest, itself included.
    ///
    /// The documentation names no bound. Readers of JSON have one (Foundation's is 512), and metadata comes back inside
    /// of lists and deliveries: too deep, it would make whole pages unreadable.
    public static let depthLimit = 100

    /// Why no server can keep this metadata; nil if nothing speaks against it.
    public var metadataProblem: String? {
        guard case .replaced(let metadata) = metadata else { return nil }
        let value = JSONValue.object(metadata)
        if value.nests(deeperThan: Self.depthLimit) { return "must not nest deeper than \(Self.depthLimit) levels" }
        return value.isFinite ? nil : "must hold no number that is infinite or not a number"
    }
}

extension JSONValue {
    /// Whether arrays and objects nest in more than `limit` levels; looks no further than that.
    public func nests(deeperThan limit: Int) -> Bool {
        switch self {
        case .array(let elements): limit <= 0 || elements.contains { $0.nests(deeperThan: limit - 1) }
        case .object(let members): limit <= 0 || members.values.contains { $0.nests(deeperThan: limit - 1) }
        case .null, .boolean, .integer, .number, .string: false
        }
    }

    fileprivate var isFinite: Bool {
        switch self {
        case .number(let value): value.isFinite
        case .array(let elements): elements.allSatisfy(\.isFinite)
        case .object(let members): members.values.allSatisfy(\.isFinite)
        case .null, .boolean, .integer, .string: true
        }
    }
}
