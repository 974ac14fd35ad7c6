extension DecodingError {
    /// The error in one sentence that names the field: "data.receivedAt: is missing".
    public var plainDescription: String {
        switch self {
        case .keyNotFound(let key, let context):
            "\(Self.name(context.codingPath + [key])) is missing"
        case .valueNotFound(let type, let context):
            "\(Self.name(context.codingPath)) is null, but must be \(Self.word(for: type))"
        case .typeMismatch(let type, let context):
            "\(Self.name(context.codingPath)) must be \(Self.word(for: type))"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty
                ? "not valid JSON" : "\(Self.name(context.codingPath)): \(context.debugDescription)"
        @unknown default:
            "not readable"
        }
    }

    /// The path of the field at fault, such as `data.receivedAt`; nil if the whole text is at fault.
    public var fieldName: String? {
        let path =
            switch self {
            case .keyNotFound(let key, let context): context.codingPath + [key]
            case .valueNotFound(_, let context), .typeMismatch(_, let context), .dataCorrupted(let context):
                context.codingPath
            @unknown default: [any CodingKey]()
            }
        return path.isEmpty ? nil : Self.name(path)
    }

    private static func name(_ path: [any CodingKey]) -> String {
        guard !path.isEmpty else { return "the body" }
        return path.map { key in key.intValue.map(String.init) ?? key.stringValue }.joined(separator: ".")
    }

    private static func word(for type: any Any.Type) -> String {
        switch "\(type)" {
        case "String": "a string"
        case "Bool": "true or false"
        case let name where name.hasPrefix("Int"): "a whole number"
        case "Double": "a number"
        case let name where name.hasPrefix("Array"): "a list"
        default: "an object"
        }
    }
}
