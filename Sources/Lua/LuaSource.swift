/// A file of Lua text.
public struct LuaSource: Sendable, Hashable {
    /// What errors call the file, such as `photos/rules/heart_photos.lua`. Without NUL and line breaks.
    public var name: String
    /// UTF-8 text; precompiled chunks are refused.
    public var text: String

    public init(name: String, text: String) {
        self.name = name
        self.text = text
    }

    /// The text of a line, counted from 1.
    func line(_ number: Int) -> String? {
        guard number > 0 else { return nil }
        let lines = text.split(separator: "\n", maxSplits: number, omittingEmptySubsequences: false)
        return number <= lines.count ? String(lines[number - 1]) : nil
    }

    /// The name as Lua's messages show it: cut on the left so that it fits 60 bytes.
    ///
    /// Source: Lua 5.4 reference manual, `lua_Debug.short_src`; `LUA_IDSIZE` in luaconf.h.
    var shortName: String {
        let bytes = name.utf8
        return bytes.count < 60 ? name : "..." + String(decoding: bytes.suffix(56), as: UTF8.self)
    }
}
