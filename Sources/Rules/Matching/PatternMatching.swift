import Lua

/// Matches Lua patterns for filters, in Lua itself, so that they mean what they mean in rules.
enum PatternMatching {
    private static let source = LuaSource(
        name: "pattern.lua",
        text: "return { find = function(text, pattern) return string.find(text, pattern) ~= nil end }")

    /// - Throws: ``LuaError`` for a malformed pattern.
    static func matches(_ pattern: String, _ text: String, with state: LuaState) throws(LuaError) -> Bool {
        let call = try state.start(source, field: "find", arguments: [.string(text), .string(pattern)])
        switch call.resumeThroughPauses(.begin) {
        case .finished(let values): return values.first == .boolean(true)
        case .failed(let error): throw error
        case .command, .paused:
            call.cancel()
            return false
        }
    }
}

extension LuaInvocation {
    /// Runs on until the script asks for something, ends, or is stopped by its limits: what is being judged holds up its
    /// conversation, so there is no use in letting others go first.
    func resumeThroughPauses(_ input: LuaInput) -> LuaStep {
        var step = resume(input)
        while case .paused = step { step = resume(.proceed) }
        return step
    }
}
