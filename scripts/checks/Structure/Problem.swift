/// Something that breaks a rule.
struct Problem: Hashable {
    var file: String
    /// From 1; nil where the file as a whole is meant.
    var line: Int?
    /// What is wrong and what to do.
    var message: String
}

extension Problem: CustomStringConvertible {
    var description: String {
        let place = line.map { "\(file):\($0)" } ?? file
        return "\(place): \(message)"
    }
}
