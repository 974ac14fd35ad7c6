import CustomDump
import Testing

@testable import Lua

@Suite struct TableLibraryTests {
    let state: LuaState

    init() throws {
        state = try LuaState(
            .test(limits: LuaLimits(cpu: .seconds(120), wall: .seconds(120))), hasStockLibrary: true)
    }

    /// The number of an argument is left out: 5.4.4 says that table.remove's position is its first.
    static let comparison = """
        local function show(t)
          if type(t) ~= "table" then return tostring(t) end
          local parts = {}
          for i = -2, 12 do parts[#parts + 1] = tostring(rawget(t, i)) end
          return table.concat(parts, " ")
        end
        local function outcome(library, name, list, ...)
          local t = {}
          for i = 1, #list do t[i] = list[i] end
          local results = table.pack(pcall(library[name], t, ...))
          for i = 1, results.n do results[i] = show(results[i]):gsub("^[^:]+:%d+: ", ""):gsub("#%d to '[%w.?]+'", "#? to '?'") end
          return table.concat(results, "|") .. " -> " .. show(t)
        end
        local function compare(name, list, ...)
          local own, theirs = outcome(table, name, list, ...), outcome(stock.table, name, list, ...)
          if own ~= theirs then return name .. ": " .. own .. " instead of " .. theirs end
        end

        """

    @Test(arguments: 0..<4) func `generated calls do as Lua's own library`(seed: Int) throws {
        let body = """
            math.randomseed(...)
            local function list()
              local t = {}
              for i = 1, math.random(0, 7) do t[i] = math.random(5) end
              return t
            end
            local function number() return math.random(-2, 9) end
            for _ = 1, 3000 do
              local t = list()
              local found = compare("insert", t, number()) or compare("insert", t, number(), "x") or compare("insert", t)
                or compare("remove", t) or compare("remove", t, number()) or compare("concat", t, ",", number(), number())
                or compare("concat", t) or compare("move", t, number(), number(), number()) or compare("sort", t)
                or compare("move", t, number(), number(), number(), {})
                or compare("sort", t, function(a, b) return a > b end)
              if found then return found end
            end
            """
        expectNoDifference(try state.run(Self.comparison + body, .integer(Int64(seed))), [])
    }

    @Test func `edges and misuse are as in Lua's own library`() throws {
        let body = """
            local max, min = math.maxinteger, math.mininteger
            return compare("concat", { 1, {}, 3 }) or compare("concat", { 1, 2 }, {}) or compare("concat", { 1 }, ",", max, max)
              or compare("concat", {}, ",", max, min) or compare("insert", { 1 }, 1, 2, 3) or compare("move", { 1 }, 1, max, 2)
              or compare("move", { 1 }, min, 0, 2) or compare("move", { 1 }, 1, 2, max) or compare("sort", { 1, "x" })
              or compare("sort", { 3, 1, 2 }, 5) or compare("sort", { 1, 2 }, function() error("no", 0) end)
              or compare("remove", {}, 0) or compare("remove", {}, 1) or compare("remove", { 1, 2 }, 4) or compare("sort", {}, nil)
              or compare("unpack", { 1, 2, 3 }, 2)
            """
        expectNoDifference(try state.run(Self.comparison + body), [.nil])
    }

    @Test func `sorting keeps equals in their order and sorts much`() throws {
        let body = """
            local t = {}
            for i = 1, 5000 do t[i] = { key = math.random(50), place = i } end
            table.sort(t, function(a, b) return a.key < b.key end)
            for i = 2, #t do
              local a, b = t[i - 1], t[i]
              if a.key > b.key or (a.key == b.key and a.place > b.place) then return i end
            end
            return #t, #t[1]
            """
        expectNoDifference(try state.run(body), [5000, 0])
    }

    @Test func `metamethods are heeded`() throws {
        let body = """
            local log = {}
            local t = setmetatable({}, {
              __len = function() return 3 end,
              __index = function(_, i) return i * 10 end,
              __newindex = function(_, i, v) log[#log + 1] = i .. "=" .. v end,
            })
            local joined = table.concat(t, ",")
            table.insert(t, 2, "x")
            table.sort(t, function(a, b) return a > b end)
            return joined, log
            """
        expectNoDifference(try state.run(body), ["10,20,30", ["4=30", "3=20", "2=x", "1=30", "2=20", "3=10"]])
    }
}
