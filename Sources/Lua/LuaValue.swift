/// A copy of a Lua value.
///
/// Text that leaves a script is valid UTF-8 where the script passes it (other bytes are an error there); in errors
/// and results of runs, what is not UTF-8 becomes U+FFFD. Numbers keep their kind: `1` is an integer, `1.0` a number.
public enum LuaValue: Sendable, Hashable {
    case `nil`
    /// JSON's null: a value in its own right, `json.null` in Lua.
    case null
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    /// A sequence. A `nil` in it leaves a hole in the Lua table; use ``null``.
    case array([LuaValue])
    /// A table with names as keys. An empty table that is not marked as an array is an empty object.
    case object([String: LuaValue])
    /// A table with the metatable that the prelude registered under `type`.
    case instance(type: String, fields: [String: LuaValue])
    /// Out of Lua only, in descriptions, results and errors: a function, by the line that defines it.
    case function(line: Int)
    /// Into Lua only: JSON text, parsed into tables without passing through Swift values.
    case json(String)
}

extension LuaValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: LuaValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, LuaValue)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
}
