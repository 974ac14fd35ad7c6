/// What holds for every pack, whatever its rules ask for: judged before each effect, where no rule can get around it.
public struct PolicyConfiguration: Sendable, Hashable {
    public var optOut: OptOutWords
    /// Nil: messages go out at any time.
    public var quietHours: QuietHours?
    public var fuses: Fuses

    public init(optOut: OptOutWords = OptOutWords(), quietHours: QuietHours? = nil, fuses: Fuses = Fuses()) {
        self.optOut = optOut
        self.quietHours = quietHours
        self.fuses = fuses
    }
}

/// What is wrong with a setting of the policy, and how to write it.
public struct PolicyProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The setting below `policy`: `quiet_hours.zone`.
    public var key: String
    public var message: String

    public init(key: String, message: String) {
        self.key = key
        self.message = message
    }

    public var description: String { "policy.\(key): \(message)" }
}
