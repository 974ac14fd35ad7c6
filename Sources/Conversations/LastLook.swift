/// What is asked once more right before a request leaves that reaches somebody.
///
/// Between the decision to send and the first byte, a request may wait for a connection, and meanwhile that person may have
/// asked not to be written to. Whoever implements ``ConversationAPI`` asks ``check`` as late as it can.
public enum LastLook {
    /// Throws if the request must not leave; nil: nobody asks. Called by the task that makes the request, or by another.
    @TaskLocal public static var check: (@Sendable () async throws -> Void)?
}
