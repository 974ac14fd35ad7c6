/// A line of a script.
public struct LuaLocation: Sendable, Hashable {
    public var file: String
    /// Counted from 1.
    public var line: Int

    public init(file: String, line: Int) {
        self.file = file
        self.line = line
    }
}

/// What a script asks of the host.
public struct LuaCommand: Sendable, Hashable {
    public var name: String
    public var arguments: [LuaValue]
    /// The innermost line of a script, that is, not of the prelude.
    public var location: LuaLocation?

    public init(name: String, arguments: [LuaValue], location: LuaLocation? = nil) {
        self.name = name
        self.arguments = arguments
        self.location = location
    }
}

/// What an invocation is continued with.
public enum LuaInput: Sendable, Hashable {
    /// Starts it; only first.
    case begin
    /// The answer to a command.
    case values([LuaValue])
    /// The failure of a command, raised in the script.
    case failure(LuaHostError)
    /// Goes on after ``LuaStep/paused``.
    case proceed
}

/// How far an invocation came.
public enum LuaStep: Sendable, Hashable {
    case command(LuaCommand)
    /// Its slice is used up; others may run now. Continue with ``LuaInput/proceed``.
    case paused
    case finished([LuaValue])
    case failed(LuaError)
}
