import Conversations
import DurableExecution

/// What can be paused, as pauses and holds name it.
///
/// A paused rule, or the rules of a paused pack, start for no event, and rules start for no event of a paused number.
/// Effects of runs that are under way wait until it is resumed.
///
/// While everything is paused, nothing is worked on: events wait in the inbox, and runs where they are.
public enum PauseSubject {
    public static let everything = Pause.everything
    /// - Parameter name: Pack and rule: `acme/photos:heart`.
    public static func rule(_ name: String) -> String { "rule:" + name }
    public static func pack(_ name: String) -> String { "pack:" + name }
    /// - Parameter number: In any usual spelling.
    public static func number(_ number: String) -> String { "number:" + ParticipantAddress.spelling(of: number) }
}
