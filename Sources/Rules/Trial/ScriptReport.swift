/// What came of running one script by hand.
public struct ScriptReport: Sendable, Hashable {
    public enum Outcome: String, Sendable, Codable {
        case finished
        /// The script raised an error, or is not Lua.
        case failed
        /// A limit was met.
        case stopped
    }

    /// Something that the script asked of the host.
    public struct Command: Sendable, Hashable, Codable {
        public var name: String
        /// Its input, as JSON text.
        public var input: String
        /// Where it was asked for, as `file:line`.
        public var location: String?
    }

    public var outcome: Outcome
    /// The setting whose limit stopped it, such as `limits.cpu`; for a file that is too large `source`, which no setting
    /// raises.
    public var limit: String?
    /// What went wrong, with file and line in front.
    public var message: String?
    /// The line of the script that it happened on, and the traceback.
    public var details: String?
    /// Of the script itself.
    public var cpuTime: Duration = .zero
    /// Of it all: making the state, loading, running.
    public var time: Duration = .zero
    /// The most that its state held at one time.
    public var memoryBytes = 0
    /// The first hundred.
    public var commands: [Command] = []
    public var commandCount = 0
    /// What it returned, as JSON text.
    public var results: [String] = []
    public var logs: [String] = []

    /// Commands that are kept.
    static let commandLimit = 100
}
