/// Answers a call from Lua at once, on the thread that runs the state. It must not use the state.
public typealias LuaHostFunction = @Sendable ([LuaValue]) throws(LuaHostError) -> [LuaValue]

/// All that scripts of a state can reach, beside the allow-listed library.
public struct LuaEnvironment: Sendable {
    /// Trusted code, called once with the table `host`; the table that it returns is added to the globals.
    ///
    /// `host` has:
    /// - `command(level, name, ...)` hands a command to the host and returns its answer, or raises its failure,
    ///   blaming the innermost line of a script (nobody when `level` is 0);
    /// - `error(level, { code = ..., message = ... })` raises such a failure itself;
    /// - `type(name, metatable)` registers and locks the metatable of ``LuaValue/instance(type:fields:)``;
    /// - `functions`, the table of ``functions`` and ``directFunctions``;
    /// - `null` and `array(table)`, JSON's null and the mark of an array;
    /// - `readonly(name, table)`, a view of a table that cannot be changed;
    /// - `text(string)`, the string with U+FFFD for what is not UTF-8.
    ///
    /// Plain tables among the globals become read-only, tables with a metatable stay as they are.
    public var prelude: LuaSource?
    /// `host.functions.NAME`. One named `print` is given to scripts as `print`, and gets one line of text.
    public var functions: [String: LuaHostFunction]
    /// Also in `host.functions`, for what is called often. Names stand in one of the two.
    public var directFunctions: [String: LuaDirectFunction]
    /// What `require` finds, under the names as required, such as `lib.orders`.
    public var modules: [String: LuaSource]
    public var limits: LuaLimits

    public init(
        prelude: LuaSource? = nil, functions: [String: LuaHostFunction] = [:],
        directFunctions: [String: LuaDirectFunction] = [:], modules: [String: LuaSource] = [:],
        limits: LuaLimits = LuaLimits()
    ) {
        self.prelude = prelude
        self.functions = functions
        self.directFunctions = directFunctions
        self.modules = modules
        self.limits = limits
    }
}
