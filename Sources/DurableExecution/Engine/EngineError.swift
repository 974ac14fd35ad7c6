/// Why the engine or its store could not do what it was asked.
public struct EngineError: Error, Sendable {
    public enum Code: String, Sendable {
        /// Fix what was given.
        case badInput
        /// Nothing has that name.
        case notFound
        /// Not in this state; the message says in which.
        case conflict
        /// Try again later: the disk is full or the database is busy. Nothing was kept.
        case unavailable
        /// Stop the process: what is on disk can no longer be known. Starting anew recovers what was kept.
        case storeFailed
        /// Another process owns the store now; this one must stop.
        case superseded
        /// A stored row can't be read; the message says which.
        case corrupted
    }

    public var code: Code
    /// What happened, to what, where.
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}

extension EngineError: CustomStringConvertible {
    public var description: String {
        guard let cause else { return "\(code): \(message)" }
        return "\(code): \(message) (\(cause))"
    }
}
