import CustomDump
import Testing

@testable import Lua

/// Compares the pattern functions with those of Lua's own library.
@Suite struct PatternTests {
    let state: LuaState

    init() throws {
        state = try LuaState(
            .test(limits: LuaLimits(cpu: .seconds(120), wall: .seconds(120))), hasStockLibrary: true)
    }

    /// A Lua program that runs one call both ways and returns nil, or a description of the difference.
    static let comparison = """
        local function outcome(f, ...)
          local results = table.pack(pcall(f, ...))
          for i = 1, results.n do results[i] = tostring(results[i]):gsub("^[^:]+:%d+: ", ""):gsub("to '[%w.?]+'", "to '?'") end
          return table.concat(results, "|")
        end
        local function compare(name, ...)
          local own, theirs = outcome(string[name], ...), outcome(stock.string[name], ...)
          if own ~= theirs then
            return stock.string.format("%s(%q, %q): %q instead of %q", name, (...), (select(2, ...)), own, theirs)
          end
        end
        local function each(subject, pattern)
          local function all(gmatch)
            return function()
              local found = {}
              for a, b, c in gmatch(subject, pattern) do
                found[#found + 1] = tostring(a) .. "," .. tostring(b) .. "," .. tostring(c)
                if #found > 50 then break end
              end
              return table.concat(found, ";")
            end
          end
          local own, theirs = outcome(all(string.gmatch)), outcome(all(stock.string.gmatch))
          if own ~= theirs then return "gmatch " .. subject .. " " .. pattern .. ": " .. own .. " instead of " .. theirs end
        end
        local function difference(subject, pattern)
          local init = math.random(-4, 8)
          return compare("find", subject, pattern) or compare("match", subject, pattern)
            or compare("find", subject, pattern, init) or compare("match", subject, pattern, init)
            or compare("find", subject, pattern, init, true) or each(subject, pattern)
            or compare("gsub", subject, pattern, "<%0>") or compare("gsub", subject, pattern, "%1%%x", 2)
            or compare("gsub", subject, pattern, { a = "1", b = true, ab = false, [""] = 7 })
            or compare("gsub", subject, pattern, function(a) return a ~= "b" and "(" .. tostring(a) .. ")" end)
        end

        """

    @Test(arguments: [
        ("hello world", "o w"), ("hello", "l+"), ("hello", "(l)(l)"), ("hello", "()ll()"), ("  x  ", "^%s*(.-)%s*$"),
        ("THE (quick) fox", "%((%a+)%)"), ("THE (quick) fox", "%f[%a]%a+"), ("f(a(b)c)d", "%b()"), ("aXb", "%u"),
        ("a.b-c", "[.-]"), ("a]b", "[]]"), ("a^b", "[b^]"), ("a-z", "[a%-z]"), ("[x]", "[[%]]"), ("abab", "(ab)%1"),
        ("key = value", "^(%w+)%s*=%s*(%w+)$"), ("", ""), ("", "^$"), ("abc", ""), ("abc", "$"), ("a$", "a$"),
        ("a\0b", "%z"),
        ("a\0b", "[\0]"), ("äöü", "[\u{80}-\u{FF}]+"), ("x", "%"), ("x", "[a"), ("x", "[]"), ("x", "[^]"), ("x", "[a%"),
        ("x", "(x"), ("x", "x)"), ("x", "%1"), ("xx", "(x)%2"), ("x", "%b"), ("x", "%bx"), ("x", "%f"), ("x", "%fx"),
        ("x", "(()"), ("aaa", "a-"), ("aaa", "a-$"), ("aaa", "a?a?a?a"), ("a", "^^a"), ("^a", "^^a"), ("abc", "^b"),
        ("aaab", "a-b"), ("12-34", "(%d+)-(%d+)"), ("\u{FF}", "%W"), ("a\nb", "a.b"), ("x", "%g%c"), ("--", "^-"),
    ])
    func `a pattern matches as in Lua's own library`(subject: String, pattern: String) throws {
        let results = try state.run(Self.comparison + "return difference(...)", .string(subject), .string(pattern))
        expectNoDifference(results, [.nil])
    }

    @Test(arguments: ["a*", "a-", "a?", "(a", "()", "[a]", "%f[a]"])
    func `nesting is limited as in Lua's own library`(item: String) throws {
        let body = """
            local item = ...
            for _, subject in ipairs { "", "a", ("a"):rep(250), ("b"):rep(250) } do
              for n = 1, 260, 7 do
                local found = difference(subject, item:rep(n))
                if found then return n, found end
              end
            end
            """
        expectNoDifference(try state.run(Self.comparison + body, .string(item)), [])
    }

    @Test(arguments: 0..<8) func `generated patterns match as in Lua's own library`(seed: Int) throws {
        let body = """
            local pieces = { "a", "b", ".", "%a", "%d", "%s", "%w", "%W", "[ab]", "[^a]", "[a-c]", "[%d_]", "*", "+", "-", "?",
              "(", ")", "()", "^", "$", "%1", "%2", "%b()", "%bab", "%f[a]", "%f[%A]", "[", "]", "%", "x", "1", " ", "_", "%%", "z" }
            local letters = { "a", "b", "c", "(", ")", "1", " ", "_", "x", "\\0", "A", "%", "\\n", "é" }
            local function text(from, most)
              local parts = {}
              for i = 1, math.random(0, most) do parts[i] = from[math.random(#from)] end
              return table.concat(parts)
            end
            math.randomseed(...)
            for _ = 1, 2500 do
              local found = difference(text(letters, 14), text(pieces, 7))
              if found then return found end
            end
            """
        expectNoDifference(try state.run(Self.comparison + body, .integer(Int64(seed))), [])
    }

    @Test func `plain finds agree on long and repetitive texts`() throws {
        let body = """
            for n = 0, 40 do
              local text = ("a"):rep(n * 37) .. "b" .. ("ab"):rep(n)
              for _, part in ipairs { ("a"):rep(n) .. "b", ("a"):rep(n * 20) .. "ab", "bab", "ba" .. ("ab"):rep(n), "c", "" } do
                local found = compare("find", text, part, 1, true) or compare("find", text, part, n, true)
                if found then return found end
              end
            end
            """
        expectNoDifference(try state.run(Self.comparison + body), [])
    }

    @Test func `odd arguments fail as in Lua's own library`() throws {
        let body = """
            return compare("gsub", "abc", "b", "%2") or compare("gsub", "abc", "b", "%") or compare("gsub", "abc", "b", "%x")
              or compare("gsub", "abc", "b", true) or compare("gsub", "abc", "b") or compare("gsub", "abc", "b", { b = {} })
              or compare("gsub", "abc", "(b)()", "%2") or compare("gsub", 123, 2, 3) or compare("gsub", "abc", "b", "x", -1)
              or compare("find", {}, "b") or compare("find", "b", {}) or compare("find", "abc", "b", 10)
              or compare("rep", "ab", 3, ",") or compare("rep", "ab", 0) or compare("rep", "", 5) or compare("rep", "x", 1, "yy")
              or compare("rep", "x", -1) or compare("rep", "x") or compare("rep", "", 3, "ab") or compare("rep", "abc", 100, "-+-")
              or compare("format", "%5.1f|%d|%s|%q|%%|%x", 1, 2, "x", "y\\n", 255) or compare("format", "%d", "x")
              or compare("format", "%s") or compare("format", "%y", 1) or compare("format", "%") or compare("format", "%10.3s|", "abcdef")
              or compare("format", "%s %s", setmetatable({}, { __tostring = function() return "T" end }), 5)
              or compare("format", "%s", setmetatable({}, { __tostring = function() return 1 end }))
              or compare("format", "%d", {}) or compare("format", "%1000s", "x") or compare("format", "%s", nil)
            """
        expectNoDifference(try state.run(Self.comparison + body), [.nil])
    }
}
