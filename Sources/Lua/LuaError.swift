/// What went wrong in Lua, with what its author needs to mend it.
public struct LuaError: Error, Sendable, Hashable {
    public enum Code: String, Sendable, CaseIterable {
        /// The text is not Lua. Mend the file.
        case syntax
        /// The script raised an error that it did not catch. Mend the script.
        case runtime
        /// A command or a host function failed and the script did not catch it; ``LuaError/value`` has its code.
        case host
        /// The script used up what it may use. Mend the script or raise the limit.
        case limit
        /// Lua was refused memory far past its limit. Mend the script or raise the limit; discard the state.
        case memory
        /// A value cannot cross the border, or the file does not return what it must. Mend the script.
        case badValue
    }

    /// What can be used up; the names of ``LuaLimits``.
    public enum Limit: String, Sendable, CaseIterable {
        case cpu, wall, memory, source
    }

    public var code: Code
    /// With the codes `limit` and `memory`: which one.
    public var limit: Limit?
    /// As Lua words it, "file:line: " in front where it is known; at most 8 KB.
    public var message: String
    public var file: String?
    /// Counted from 1.
    public var line: Int?
    /// The text of that line.
    public var sourceLine: String?
    /// One line per function of a script, innermost first, through all coroutines; empty when nothing was running.
    public var traceback: String
    /// The table that the script raised, functions in it described by their line.
    public var value: LuaValue?

    public init(
        code: Code, message: String, file: String? = nil, line: Int? = nil, sourceLine: String? = nil,
        traceback: String = "", value: LuaValue? = nil, limit: Limit? = nil
    ) {
        self.code = code
        self.message = message
        self.file = file
        self.line = line
        self.sourceLine = sourceLine
        self.traceback = traceback
        self.value = value
        self.limit = limit
    }
}

extension LuaError: CustomStringConvertible {
    public var description: String {
        var text = message
        if let sourceLine { text += "\n    " + sourceLine.drop(while: \.isWhitespace) }
        if !traceback.isEmpty {
            text += "\n" + traceback.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")
        }
        return text
    }
}

/// A failure of the host, raised in the script as a table `{ code, message, retryable, file, line }` and `details`.
public struct LuaHostError: Error, Sendable, Hashable {
    public var code: String
    public var message: String
    public var retryable: Bool
    /// Whom the position blames: 0 nobody, 1 or more the innermost line of a script.
    public var level: Int
    /// More fields of the table; those named above win.
    public var details: [String: LuaValue]

    public init(
        code: String, message: String, retryable: Bool = false, level: Int = 1, details: [String: LuaValue] = [:]
    ) {
        self.code = code
        self.message = message
        self.retryable = retryable
        self.level = level
        self.details = details
    }
}
