import Lua
import Testing

@Suite struct ScreenTests {
    let state: LuaState

    init() throws {
        state = try LuaState(LuaEnvironment())
    }

    private func check(_ text: String) -> LuaError? {
        do throws(LuaError) {
            try state.check(LuaSource(name: "x.lua", text: text))
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [".x", "[1]", "()", ":f()", "'s'", "{}", ".x[y.z]", "(a, b)\n"])
    func `chains past five hundred links are refused`(link: String) {
        let long = "\nlocal t = f\nreturn t" + String(repeating: link, count: 600)
        #expect(check(long)?.message.hasSuffix("more than 500 fields, indices or calls in one expression") == true)
        #expect(check(long)?.code == .syntax)
        #expect(check("return t" + String(repeating: link, count: 240)) == nil)
    }

    @Test(arguments: [
        ("", "t.x = t.x;", 1000, ""), ("return {", "a.b.c, ", 1000, "}"), ("return '", ".x", 1000, "'"),
        ("--[==[", "t.x", 1000, "]==]"), ("return [[", ".x", 1000, "]]"), ("-- t", ".x", 1000, ""),
        ("return ", "a.b .. ", 150, "''"), ("f(", "g(x.y), ", 100, "1)"), ("", "local x = f() ", 150, ""),
        ("return 1", " + 1.5e3", 150, ""),
    ])
    func `what only looks like a chain is accepted`(start: String, link: String, count: Int, end: String) {
        #expect(check(start + String(repeating: link, count: count) + end) == nil)
    }

    @Test(arguments: ["return 'abc", "--[[", "return [==[ x", "\"\\", "((((((((", ")))]]]}}}", "\0", "[=[x]]"])
    func `malformed texts are refused by Lua, not by the screen`(text: String) {
        #expect(check(text)?.message.contains("500") != true)
    }
}
