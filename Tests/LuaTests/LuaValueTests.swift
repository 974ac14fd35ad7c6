import CustomDump
import Lua
import Testing

@Suite struct LuaValueTests {
    let state: LuaState

    init() throws {
        state = try LuaState(.test())
    }

    @Test(
        arguments: [
            .nil, .null, true, false, 0, .integer(.min), .integer(.max), 0.5, 1.0, .number(-.infinity), "", "añ✓😀",
            "a\u{0}b",
            .array([]), .object([:]), [1, "two", [3.5], .null], ["a": ["b": .array([]), "c": .object([:])], "": 1],
            .instance(type: "message", fields: ["id": "m1", "list": [1, 2]]),
        ] as [LuaValue])
    func `a value comes back as it went in`(value: LuaValue) throws {
        expectNoDifference(try state.run("return ...", value), [value])
        expectNoDifference(try state.run("return api.call(...)", value) { .values($0.arguments) }, [value])
    }

    @Test func `JSON text becomes tables`() throws {
        let json =
            #"{"id":"m\u00e9\ud83d\ude00","n":1,"f":1.0,"big":12345678901234567890,"no":null,"a":[],"o":{},"l":[1,[2]]}"#
        expectNoDifference(
            try state.run("return ...", .json(json)),
            [
                [
                    "id": "mé😀", "n": 1, "f": 1.0, "big": .number(12_345_678_901_234_567_168), "no": .null,
                    "a": .array([]),
                    "o": .object([:]), "l": [1, [2]],
                ]
            ])
    }

    @Test func `null can be tested and nil is absence`() throws {
        expectNoDifference(
            try state.run(
                "local t = ... return t.a == json.null, t.b == nil, tostring(t.a), type(t.a)",
                ["a": .null, "b": .nil]),
            [true, true, "null", "userdata"])
    }

    @Test func `an unknown type of instance is refused`() throws {
        let error = #expect(throws: LuaError.self) {
            _ = try state.start(
                LuaState.rule(""), field: "run", arguments: [.instance(type: "alien", fields: [:])])
        }
        #expect(error?.message == "no type is registered as 'alien'")
        #expect(error?.code == .badValue)
    }

    @Test(arguments: [
        ("print or type", "api.call: argument 1 is a function, which cannot be passed on"),
        ("{ a = { b = { 1, type } } }", "api.call: argument 1.a.b[2] is a function, which cannot be passed on"),
        ("coroutine.create(type)", "api.call: argument 1 is a coroutine, which cannot be passed on"),
        ("{ 1, 2, x = 3 }", "api.call: argument 1 has both list items and named fields"),
        ("{ [1] = 1, [5] = 2 }", "api.call: argument 1 is a list with holes; put json.null where a value is missing"),
        ("{ [true] = 1 }", "api.call: argument 1 has keys that are neither names nor 1, 2, 3, ..."),
        ("{ [1.5] = 1 }", "api.call: argument 1 has keys that are neither names nor 1, 2, 3, ..."),
        (
            "{ text = 'a\\xff' }",
            "api.call: argument 1.text is not valid UTF-8 at byte 2; cut text at characters, with utf8.offset"
        ),
        ("cycle()", "api.call: argument 1.x.x contains itself"),
        (
            "(function() local t = {} for i = 1, 101 do t = { t } end return t end)()",
            "api.call: argument 1[1][1][1][1][1][1][1][1] is nested too deeply: more than 100 levels"
        ),
    ])
    func `what cannot leave a script is refused with its place`(expression: String, message: String) throws {
        let error = try state.failure(
            "local function cycle() local t = { x = {} } t.x.x = t return t end\napi.call(\(expression))")
        #expect(error.message == "rules/test.lua:3: " + message)
        #expect(error.code == .runtime)
    }

    @Test func `values nested too deeply are refused on the way in`() throws {
        func nested(_ levels: Int) -> LuaValue { (0..<levels).reduce(LuaValue.integer(1)) { value, _ in [value] } }
        expectNoDifference(try state.run("return ...", nested(100)), [nested(100)])
        #expect(throws: LuaError.self) { try state.run("return ...", nested(101)) }
        #expect(try state.failure("api.call()") { _ in .values([nested(101)]) }.message.contains("nested too deeply"))
    }

    @Test func `values past the size limit are refused`() throws {
        let state = try LuaState(.test(limits: LuaLimits(valueBytes: 1000)))
        #expect(
            try state.failure("api.call(('x'):rep(1000))").message.contains("more than 1000 bytes cannot be passed on"))
        let shared = "local t = { 1 } for i = 1, 60 do t = { t, t } end api.call(t)"
        #expect(try state.failure(shared).message.contains("more than 1000 bytes cannot be passed on"))
        #expect(
            try state.failure("return json.encode(('x'):rep(2000))").message.contains("json: the text is too large"))
        #expect(try state.failure("return json.decode(('['):rep(2000))").message.contains("at most 1000 are read"))
    }

    @Test func `bytes that are not UTF-8 are mended in results and by the prelude`() throws {
        expectNoDifference(
            try state.run("return 'a\\xffb', text('\\xc3x\\xed\\xa0\\x80')"),
            ["a\u{FFFD}b", "\u{FFFD}x\u{FFFD}\u{FFFD}\u{FFFD}"])
    }

    @Test func `read-only tables cross as what they show`() throws {
        expectNoDifference(try state.run("return api.nested, api.call(api.nested)"), [["answer": 42], ["answer": 42]])
    }
}
