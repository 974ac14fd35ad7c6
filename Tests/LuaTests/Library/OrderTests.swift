import CustomDump
import Lua
import Testing

@Suite struct OrderTests {
    let state: LuaState

    init() throws {
        state = try LuaState(.test())
    }

    static let table = """
        local t = { x = 1, b = 2, ["10"] = 3, a = 4, [true] = 5, [false] = 6, [0] = 7, [-1] = 8, [2.5] = 9, [json.null] = 10,
          [""] = 11, "one", "two", [4] = "four", [100] = "hundred", B = 12, ab = 13 }
        local keys = {}
        local function note(k, v) keys[#keys + 1] = tostring(k) .. "=" .. tostring(v) end

        """
    static let expected: LuaValue = [
        "1=one", "2=two", "4=four", "100=hundred", "-1=8", "0=7", "2.5=9", "=11", "10=3", "B=12", "a=4", "ab=13", "b=2",
        "x=1",
        "false=6", "true=5", "null=10",
    ]

    @Test func `pairs visits in the documented order`() throws {
        expectNoDifference(
            try state.run(Self.table + "for k, v in pairs(t) do note(k, v) end return keys"), [Self.expected])
    }

    @Test func `next visits in the same order`() throws {
        expectNoDifference(
            try state.run(Self.table + "for k, v in next, t do note(k, v) end return keys"), [Self.expected])
        expectNoDifference(try state.run("return next({}), (next({ b = 1, a = 2 })), next({ 5 })"), [.nil, "a", 1, 5])
    }

    @Test(arguments: ["pairs(t)", "next, t"])
    func `fields may be cleared and changed on the way`(iterator: String) throws {
        let body = """
            local t, seen = {}, {}
            for i = 1, 300 do t["k" .. i] = i end
            for k, v in \(iterator) do
              seen[#seen + 1] = v
              t[k] = nil
              local other = "k" .. (v % 300 + 1)
              if t[other] then t[other] = t[other] end
            end
            return #seen, next(t)
            """
        expectNoDifference(try state.run(body), [300, .nil])
    }

    @Test func `a cleared field is not visited`() throws {
        let body = """
            local t, seen = { a = 1, b = 2, c = 3, d = 4 }, {}
            for k in pairs(t) do seen[#seen + 1] = k t.b, t.c = nil, nil end
            return seen
            """
        expectNoDifference(try state.run(body), [["a", "d"]])
    }

    @Test func `lists are visited as they grow and shrink`() throws {
        let body = """
            local t, sum = {}, 0
            for i = 1, 1000 do t[i] = i end
            for i, v in pairs(t) do sum = sum + v t[i] = nil end
            return sum, #t
            """
        expectNoDifference(try state.run(body), [500_500, 0])
    }

    @Test func `__pairs and views are heeded`() throws {
        let body = """
            local t = setmetatable({}, { __pairs = function() return function(_, k) return not k and "only" or nil end end })
            local keys = {}
            for k in pairs(t) do keys[#keys + 1] = k end
            for k in pairs(math) do keys[#keys + 1] = k if #keys == 3 then break end end
            return keys, (next(math))
            """
        expectNoDifference(try state.run(body), [["only", "abs", "acos"], "abs"])
    }

    @Test func `keys without an order are refused`() throws {
        #expect(try state.failure("pairs({ [{}] = 1, [{}] = 2 })").message.contains("has no fixed order"))
        expectNoDifference(
            try state.run("local k = {} for key in pairs({ [k] = 1, a = 2 }) do if key == k then return true end end"),
            [true])
    }

    @Test func `nothing shows an address`() throws {
        let body = """
            local function shown(x) return tostring(x), string.format("%s", x) end
            local t, f = {}, function() end
            return { shown(t), shown(f), shown(t), tostring(coroutine.create(f)), tostring(print or string.len),
              tostring(setmetatable({}, { __name = "thing" })), tostring(json.null), ("x"):rep(2) }
            """
        expectNoDifference(
            try state.run(body),
            [["table: 1", "function: 2", "table: 1", "thread: 3", "function: 4", "thing: 5", "null", "xx"]])
        #expect(try state.failure("return ('%p'):format({})").message.contains("addresses are not shown"))
    }

    @Test func `two runs give the same texts and orders`() throws {
        let body = """
            local t, parts = {}, {}
            for i = 1, 200 do t[tostring(math.random(1e9))] = {} end
            for k, v in pairs(t) do parts[#parts + 1] = k .. tostring(v) end
            return table.concat(parts, " ")
            """
        let first = try state.run(body)
        for _ in 0..<3 { expectNoDifference(try LuaState(.test()).run(body), first) }
    }

    @Test func `weak tables and finalizers are refused`() throws {
        #expect(
            try state.failure("setmetatable({}, { __mode = 'k' })").message.contains(
                "weak tables (__mode) are not available"))
        #expect(
            try state.failure("setmetatable({}, { __gc = true })").message.contains(
                "finalizers (__gc) are not available"))
    }
}
