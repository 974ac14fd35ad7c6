import Lua

/// Matches Lua patterns for filters, in Lua itself, so that they mean what they mean in rules.
enum PatternMatching {
    private static let source = LuaSource(
        name: "pattern.lua",
        text: "return { find = function(text, pattern) return string.find(text, pattern) ~= nil end }")

    /// A search for a pattern, which may pause.
    static func call(_ pattern: String, _ text: String, with state: LuaState) throws(LuaError) -> LuaInvocation {
        try state.begin(source, field: "find", arguments: [.string(text), .string(pattern)])
    }

    /// Whether a search that came to its end found the pattern.
    ///
    /// - Throws: ``LuaError`` for a malformed pattern, or one that takes too long.
    static func found(_ step: LuaStep) throws(LuaError) -> Bool {
        switch step {
        case .finished(let values): return values.first == .boolean(true)
        case .failed(let error): throw error
        case .command, .paused: return false
        }
    }

    /// Searches at once.
    ///
    /// - Throws: As ``found(_:)``.
    static func matches(_ pattern: String, _ text: String, with state: LuaState) throws(LuaError) -> Bool {
        let call = try call(pattern, text, with: state)
        var step = call.resume(.begin)
        while case .paused = step { step = call.resume(.proceed) }
        return try found(step)
    }
}
