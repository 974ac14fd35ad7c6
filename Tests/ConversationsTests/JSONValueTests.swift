import Conversations
import CustomDump
import Foundation
import Testing

@Suite struct JSONValueTests {
    @Test(
        arguments: [
            ("null", .null), ("true", .boolean(true)), ("false", .boolean(false)), ("0", .integer(0)),
            ("1", .integer(1)),
            ("-7", .integer(-7)), ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("0.5", .number(0.5)),
            ("1e-3", .number(0.001)),
            ("1e300", .number(1e300)), ("\"\"", .string("")), ("\"1\"", .string("1")), ("\"true\"", .string("true")),
            ("\"\\u0000\"", .string("\0")), ("\"\\ud83d\\ude00\"", .string("😀")), ("[]", .array([])),
            ("{}", .object([:])),
            ("[null]", .array([.null])), ("{\"a\":null}", .object(["a": .null])),
            ("[[],{},\"\"]", .array([.array([]), .object([:]), .string("")])),
            ("{\"\":{\"a b\":[1,2.5]}}", .object(["": .object(["a b": .array([.integer(1), .number(2.5)])])])),
        ] as [(String, JSONValue)])
    func `each kind of value is told from the others`(text: String, value: JSONValue) throws {
        expectNoDifference(try json(text), value)
    }

    @Test(arguments: ["1.0", "10e-1", "1E0", "-0.0", "100e-2"])
    func `a whole number is an integer however it is written`(text: String) throws {
        guard case .integer = try json(text) else {
            Issue.record("\(text) is read as \(try json(text))")
            return
        }
    }

    @Test(arguments: [
        "", " ", "nul", "{", "[1 2]", "{\"a\"}", "01", "+1", ".5", "1.", "NaN", "Infinity", "'a'", "\"\\ud800\"",
        "\"\u{01}\"", "[1] 2", "[,]", "1e400", "[1, {\"a\": -1e400}]",
    ])
    func `what is no JSON or holds a number out of range is refused`(text: String) {
        #expect(throws: DecodingError.self) { try json(text) }
    }

    @Test func `text that is not UTF-8 is refused`() {
        #expect(throws: DecodingError.self) { try JSONValue(parsing: Data([0x22, 0xFF, 0x22])) }
    }

    @Test func `nesting is read to 512 levels and refused beyond`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        var value = try json(nested(512))
        var depth = 0
        while case .array(let elements) = value {
            depth += 1
            value = elements.first ?? .null
        }
        expectNoDifference(depth, 512)
        #expect(throws: DecodingError.self) { try json(nested(513)) }
        #expect(throws: DecodingError.self) { try json(nested(100_000)) }
    }

    @Test func `a value is written with sorted keys, so that equal values give equal text`() throws {
        let value: JSONValue = ["b": [1, 2.5, nil, "a/b"], "a": true, "c": [:]]
        expectNoDifference(
            String(decoding: try value.text(), as: UTF8.self), #"{"a":true,"b":[1,2.5,null,"a/b"],"c":{}}"#)
        expectNoDifference(try JSONValue(parsing: value.text()), value)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func `a number that JSON has no form for is refused when written`(number: Double) {
        #expect(throws: EncodingError.self) { try JSONValue.array([.number(number)]).text() }
    }

    @Test func `members and contents are read without a detour`() {
        let value: JSONValue = ["text": "hello", "count": 2, "share": 0.5]
        expectNoDifference(value["text"]?.string, "hello")
        expectNoDifference(value["count"]?.double, 2)
        expectNoDifference(value["share"]?.double, 0.5)
        expectNoDifference(value["none"], nil)
        expectNoDifference(JSONValue.array([])["text"], nil)
        expectNoDifference(JSONValue.integer(1).string, nil)
        expectNoDifference(JSONValue.string("1").double, nil)
    }
}
