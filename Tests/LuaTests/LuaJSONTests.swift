import CustomDump
import Lua
import Testing

@Suite struct LuaJSONTests {
    let state: LuaState

    init() throws {
        state = try LuaState(.test())
    }

    @Test(arguments: [
        "null", "true", "false", "0", "-1", "9223372036854775807", "-9223372036854775808", "0.5", "1.0", "1e+300",
        "\"\"",
        #""a\"\\\n\u0001é😀""#, "[]", "{}", "[[],{}]", #"{"a":[1,2,{"b":null}],"z":1}"#,
    ])
    func `JSON text comes back as it went in`(text: String) throws {
        expectNoDifference(try state.run("return json.encode(json.decode(...))", .string(text)), [.string(text)])
    }

    @Test func `names are written in the order of their bytes`() throws {
        expectNoDifference(
            try state.run("return json.encode({ b = 1, a = 2, B = 3, [''] = 4, ab = 5 })"),
            [#"{"":4,"B":3,"a":2,"ab":5,"b":1}"#])
    }

    @Test(arguments: [
        ("", "unexpected end at line 1, column 1"),
        ("[1,", "unexpected end at line 1, column 4"),
        ("[1 2]", "expected , or ] at line 1, column 4"),
        ("{\"a\"}", "expected : at line 1, column 5"),
        ("{a:1}", "expected a name in double quotes at line 1, column 2"),
        ("[1]\n x", "unexpected text after the value at line 2, column 2"),
        ("01", "a number with a leading zero at line 1, column 3"),
        ("1.", "a number without digits after the point at line 1, column 3"),
        ("1e", "a number without digits in its exponent at line 1, column 3"),
        ("1e999", "a number out of range at line 1, column 6"),
        ("\"a", "unfinished string at line 1, column 3"),
        ("\"\u{1}\"", "control character in a string at line 1, column 2"),
        ("\"\\x\"", "unknown escape at line 1, column 3"),
        ("\"\\u12\"", "unfinished escape at line 1, column 4"),
        ("\"\\u12x4\"", "four hexadecimal digits must follow \\u at line 1, column 6"),
        ("nul", "unexpected character at line 1, column 1"),
        ("-", "unexpected character at line 1, column 2"),
        (String(repeating: "[", count: 101), "nesting deeper than 100 levels at line 1, column 101"),
    ])
    func `malformed JSON is refused with its place`(text: String, message: String) throws {
        let error = try state.failure("return json.decode(...)", .string(text))
        #expect(error.message == "rules/test.lua:2: json: " + message)
    }

    @Test func `a hundred levels are read and written`() throws {
        let text = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        expectNoDifference(try state.run("return json.encode(json.decode(...))", .string(text)), [.string(text)])
    }

    @Test func `bytes that are not UTF-8 are refused both ways`() throws {
        #expect(
            try state.failure("json.decode('\"\\xff\"')").message.contains("json: invalid UTF-8 at line 1, column 2"))
        #expect(
            try state.failure("json.encode('\\xff')").message.contains("json: a string is not valid UTF-8 at byte 1"))
        expectNoDifference(try state.run(#"return json.decode('"\\ud800"')"#), ["\u{FFFD}"])
    }

    @Test(arguments: [
        ("0/0", "JSON has no number for nan"), ("-math.huge", "JSON has no number for infinity"),
        ("{ type }", "a function has no JSON form"), ("{ 1, nil, 3 }", "holes"), ("{ 1, a = 2 }", "both"),
        ("(function() local t = {} t[1] = t return t end)()", "a table contains itself"),
    ])
    func `what JSON cannot hold is refused`(expression: String, message: String) throws {
        #expect(try state.failure("return json.encode(\(expression))").message.contains(message))
    }

    @Test func `arrays can be marked`() throws {
        expectNoDifference(
            try state.run(
                """
                local list = json.array {}
                local before = json.encode(list)
                list[1] = "x"
                return before, json.encode(list), json.encode({}), json.encode({ json.array(), json.null })
                """),
            ["[]", #"["x"]"#, "{}", "[[],null]"])
    }
}
