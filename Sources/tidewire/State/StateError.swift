/// Why a state directory can't be used.
struct StateError: Error, Sendable, Hashable {
    enum Code: String, Sendable {
        /// Correct the path, or its mode or owner, as the message says.
        case badInput = "bad_input"
        /// Another process has it: stop that one, or use another directory.
        case inUse = "in_use"
        /// Nothing was started with this directory yet.
        case notFound = "not_found"
        /// The system refused; the message says what.
        case unavailable
        /// A file in it can't be understood; the message says which and what to do.
        case corrupted
    }

    var code: Code
    /// What happened, to what, and what to do.
    var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension StateError: CustomStringConvertible {
    var description: String { message }
}
