public import Foundation

/// A rule's run as the engine sees it: advanced with the outcome of its last command until it ends.
///
/// Advancing the same program through the same inputs must ask for the same commands; that is how an
/// invocation is rebuilt. The engine never advances a program from two tasks at once.
public protocol Program: AnyObject, Sendable {
    /// Goes on to the next command or the end. The first input is ``ProgramInput/begin``.
    func advance(_ input: ProgramInput) async -> ProgramStep
    /// The same; with `replaying`, up to a command that was recorded already, so that what the step costs was accounted
    /// for when it was taken first. By default that makes no difference.
    func advance(_ input: ProgramInput, replaying: Bool) async -> ProgramStep
    /// Says that the program is not advanced for long, as it waits. Answers whether it can be kept meanwhile; by default it
    /// can't.
    func rest() async -> Bool
    /// Says that a program at rest is to be advanced. Answers whether it still can be; if not, it is cancelled, and the
    /// invocation rebuilt.
    func wake() async -> Bool
    /// Gives up the program's resources. It is not advanced after that; called at most once, also after the end.
    func cancel() async
}

extension Program {
    public func advance(_ input: ProgramInput, replaying: Bool) async -> ProgramStep { await advance(input) }
    public func rest() async -> Bool { false }
    public func wake() async -> Bool { false }
}

public enum ProgramInput: Sendable, Hashable {
    case begin
    /// The outcome of the last command, JSON.
    case outcome(Data)
    /// The last command failed for good; the program may handle that.
    case failure(CommandFailure)
}

public struct ProgramStep: Sendable, Hashable {
    public enum Next: Sendable, Hashable {
        case command(Command)
        /// The result, JSON, if there is one.
        case finished(Data?)
        case failed(ProgramFailure)
        /// Ended by the failure it was just given, of a command that may have taken place: whether it did is for a
        /// person to decide.
        case undecided(ProgramFailure)
    }

    /// What the program logged since its last step.
    public var logs: [LogLine]
    public var next: Next

    public init(logs: [LogLine] = [], next: Next) {
        self.logs = logs
        self.next = next
    }
}

/// A line that a program logged. Kept with the next journal entry, so it is never doubled by a replay.
public struct LogLine: Sendable, Hashable {
    /// `debug`, `info`, `warning`, `error`.
    public var level: String
    public var message: String
    /// Fields, JSON.
    public var fields: Data?
    /// File and line.
    public var location: String?

    public init(level: String, message: String, fields: Data? = nil, location: String? = nil) {
        self.level = level
        self.message = message
        self.fields = fields
        self.location = location
    }
}

/// Why a program ended before its end.
public struct ProgramFailure: Error, Sendable, Hashable {
    public var code: String
    public var message: String
    public var traceback: String?
    /// File and line.
    public var location: String?

    public init(code: String, message: String, traceback: String? = nil, location: String? = nil) {
        self.code = code
        self.message = message
        self.traceback = traceback
        self.location = location
    }
}
