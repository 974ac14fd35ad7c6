import CustomDump
import Lua
import Testing

@Suite struct LuaCallTests {
    private func state(_ function: @escaping LuaDirectFunction) throws -> LuaState {
        try LuaState(.test(directFunctions: ["direct": function]))
    }

    @Test func `a direct function reads each kind of argument and answers each kind of result`() throws {
        let state = try state { call throws(LuaHostError) in
            call.answer(call.integer(at: 0) ?? -1)
            call.answer(call.number(at: 1) ?? -1)
            call.answer(call.boolean(at: 2) ?? false)
            try call.answer(call.string(at: 3) ?? "?")
            call.answer(call.isNil(at: 4))
            call.answer(Int64(call.count))
            call.answerNil()
            _ = try call.withBytes(at: 3) { bytes throws(LuaHostError) in try call.answer(bytes) }
        }
        expectNoDifference(
            try state.run("return host_functions.direct(math.mininteger, 2.5, true, 'añ✓', nil, {})"),
            [.integer(.min), 2.5, true, "añ✓", true, 6, .nil, "añ✓"])
    }

    @Test func `an argument of another kind reads as nil`() throws {
        let state = try state { call throws(LuaHostError) in
            var found: [Bool] = []
            for index in -1...call.count {
                found += [
                    call.integer(at: index) != nil, call.number(at: index) != nil, call.boolean(at: index) != nil,
                    call.string(at: index) != nil,
                ]
            }
            try call.answer(found.map { $0 ? "1" : "0" }.joined())
        }
        // Before the first, a table, a float, a string that looks like a number, a boolean, null, after the last.
        expectNoDifference(
            try state.run("return host_functions.direct({}, 1.0, '12', false, json.null)"),
            ["0000000001000001001000000000"])
    }

    @Test func `text that is not UTF-8 is bytes, not a string`() throws {
        let state = try state { call throws(LuaHostError) in
            call.answer(call.string(at: 0) == nil)
            call.answer(call.withBytes(at: 0) { Int64($0.count) } ?? -1)
        }
        expectNoDifference(try state.run("return host_functions.direct('a\\xff')"), [true, 2])
    }

    @Test func `a direct function's failure blames the caller's line`() throws {
        let state = try state { _ throws(LuaHostError) in throw LuaHostError(code: "no", message: "not today") }
        let error = try state.failure("local x = 1\nhost_functions.direct()")
        expectNoDifference(error.message, "rules/test.lua:3: not today")
        expectNoDifference(error.code, .host)
        expectNoDifference(try state.run("return select('#', pcall(host_functions.direct))"), [2])
    }

    @Test func `more than eight arguments are an error, not cut off`() throws {
        let state = try state { call throws(LuaHostError) in call.answer(Int64(call.count)) }
        expectNoDifference(try state.run("return host_functions.direct(1, 2, 3, 4, 5, 6, 7, 8)"), [8])
        expectNoDifference(
            try state.failure("host_functions.direct(1, 2, 3, 4, 5, 6, 7, 8, 9)").message,
            "rules/test.lua:2: direct takes at most 8 arguments")
    }

    @Test func `texts of one answer do not disturb each other`() throws {
        let state = try state { call throws(LuaHostError) in
            for index in 0..<8 { try call.answer(String(repeating: "\(index)", count: index * 300)) }
        }
        expectNoDifference(
            try state.run("return host_functions.direct()"),
            (0..<8).map { .string(String(repeating: "\($0)", count: $0 * 300)) })
    }

    @Test func `a loop of direct calls is stopped like any other`() throws {
        let state = try LuaState(
            .test(
                directFunctions: ["direct": { call throws(LuaHostError) in call.answer(Int64(1)) }], limits: .tight))
        let error = try state.failure("while true do pcall(host_functions.direct, 1) end")
        #expect(error.limit == .cpu)
    }
}
