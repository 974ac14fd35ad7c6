/// Where a setting's value stands.
enum ConfigurationPlace: Sendable, Hashable {
    /// `line` counts from 1; nil where the file as a whole is meant.
    case file(String, line: Int?)
    case environment(String)
    case commandLine
}

extension ConfigurationPlace: CustomStringConvertible {
    var description: String {
        switch self {
        case .file(let path, let line?): "\(path):\(line)"
        case .file(let path, nil): path
        case .environment(let name): name
        case .commandLine: "command line"
        }
    }
}

/// Why the configuration can't be used: everything that is wrong with it, at once.
struct ConfigurationError: Error, Sendable, Hashable {
    enum Code: String, Sendable {
        /// Correct the settings that the problems name.
        case badInput = "bad_input"
        /// Let the file be read: the path or its permissions are wrong.
        case unreadable
    }

    /// One thing that is wrong.
    struct Problem: Sendable, Hashable {
        var place: ConfigurationPlace?
        /// The setting, or the unknown key.
        var key: String?
        /// What is wrong and what to write instead.
        var message: String
    }

    var code: Code
    /// In the order of the file, then the environment, then the command line. Never empty.
    var problems: [Problem]

    init(_ code: Code, _ problems: [Problem]) {
        self.code = code
        self.problems = problems
    }

    init(_ code: Code, at place: ConfigurationPlace? = nil, key: String? = nil, _ message: String) {
        self.init(code, [Problem(place: place, key: key, message: message)])
    }

    /// A line for each problem.
    var message: String { problems.map(\.description).joined(separator: "\n") }

    /// The error for a setting that a command can't do without.
    static func missing(_ key: String, for purpose: String) -> ConfigurationError {
        let setting = Settings.all.first { $0.key == key }
        let name = setting.map { ", or \($0.environmentName) in the environment" } ?? ""
        return ConfigurationError(
            .badInput, key: key, "is not set, and is needed \(purpose): set it in tidewire.yaml\(name)")
    }
}

extension ConfigurationError.Problem: CustomStringConvertible {
    var description: String {
        ([place?.description, key].compactMap { $0 } + [message]).joined(separator: ": ")
    }
}

extension ConfigurationError: CustomStringConvertible {
    var description: String { message }
}
