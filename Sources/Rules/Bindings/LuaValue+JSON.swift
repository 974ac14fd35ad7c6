import Conversations
import Foundation
import Lua

extension LuaValue {
    init(_ json: JSONValue) {
        self =
            switch json {
            case .null: .null
            case .boolean(let value): .boolean(value)
            case .integer(let value): .integer(value)
            case .number(let value): .number(value)
            case .string(let value): .string(value)
            case .array(let items): .array(items.map(LuaValue.init))
            case .object(let members): .object(members.mapValues(LuaValue.init))
            }
    }

    /// The value as JSON: nil as null, an instance as its plain fields.
    ///
    /// - Throws: ``LuaHostError`` for what JSON cannot hold: a function, an infinity, not a number.
    func json() throws(LuaHostError) -> JSONValue {
        switch self {
        case .nil, .null: return .null
        case .boolean(let value): return .boolean(value)
        case .integer(let value): return .integer(value)
        case .number(let value):
            guard value.isFinite else { throw Self.notJSON("\(value) is not a number that can be kept") }
            return .number(value)
        case .string(let value): return .string(value)
        case .array(let items):
            var values: [JSONValue] = []
            for item in items { values.append(try item.json()) }
            return .array(values)
        case .object(let members), .instance(_, let members):
            var values: [String: JSONValue] = [:]
            for (key, value) in members { values[key] = try value.json() }
            return .object(values)
        case .function: throw Self.notJSON("a function cannot be kept")
        case .json(let text):
            guard let value = try? JSONValue(parsing: Data(text.utf8)) else { throw Self.notJSON("not JSON") }
            return value
        }
    }

    private static func notJSON(_ message: String) -> LuaHostError {
        LuaHostError(code: "bad_value", message: message, retryable: false)
    }
}
