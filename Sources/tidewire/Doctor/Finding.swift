/// What a check of `tidewire doctor` came to.
struct Finding: Codable, Sendable, Hashable {
    enum Grade: String, Codable, Sendable {
        case good
        /// Works, and a person may want to know.
        case notice
        /// Does not work, or will not for long.
        case bad
    }

    /// What was looked at: `configuration`, `database`, …
    var subject: String
    var grade: Grade
    /// What was seen and, unless it is good, what to do.
    var message: String

    static func good(_ subject: String, _ message: String) -> Finding {
        Finding(subject: subject, grade: .good, message: message)
    }

    static func notice(_ subject: String, _ message: String) -> Finding {
        Finding(subject: subject, grade: .notice, message: message)
    }

    static func bad(_ subject: String, _ message: String) -> Finding {
        Finding(subject: subject, grade: .bad, message: message)
    }
}
