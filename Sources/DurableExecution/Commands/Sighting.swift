public import Foundation

/// What a look for the effect of a ``Effect/once`` command found whose outcome is unknown.
public enum Sighting: Sendable, Hashable {
    /// It took place, with this outcome (JSON).
    case tookPlace(outcome: Data)
    /// It is not there, or not yet: that proves nothing.
    case notFound
    /// Nobody can look for such a command.
    case unknowable
    /// It may be performed again: whoever performs it makes one effect of two.
    case repeatable
}
