import Conversations
public import Foundation

/// What tells a command that was not performed, because the host runs dry or an event is rehearsed.
public enum DryRun {
    /// What live lines and traces show for such a command.
    public static let note = DryRunAPI.status

    /// Whether a command's outcome says that it was not performed.
    public static func marks(_ outcome: Data) -> Bool {
        // Most outcomes don't hold the key at all, so they needn't be parsed.
        guard outcome.range(of: Data(key.utf8)) != nil else { return false }
        return (try? JSONValue(parsing: outcome))?[key] == true
    }

    static let key = "dry_run"
}
