import Foundation

/// A secret, given by saying where it is. Nothing that prints, dumps or logs it shows more than that.
struct Secret: Sendable, Hashable {
    /// Where it is: `env:NAME`, `file:PATH`, or the name of the environment variable that holds it.
    let reference: String
    private let value: Result<String, ConfigurationError>

    /// Takes what `reference` refers to. A secret that is missing is an error only once somebody needs it, so that a
    /// command which does without works in a shell without it.
    init(reference: String, value: Result<String, ConfigurationError>) {
        self.reference = reference
        self.value = value
    }

    /// The secret itself.
    ///
    /// - Throws: ``ConfigurationError`` naming file, line, key and reference, where the variable or file is missing or empty.
    func reveal() throws(ConfigurationError) -> String { try value.get() }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "<secret from \(reference)>" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: ["reference": reference]) }
}

extension SettingType where Value == Secret {
    /// A reference to a secret; in an environment variable also the secret itself.
    static let secret: SettingType = {
        var type = SettingType(
            "env:NAME or file:PATH, naming the variable or the file that holds the secret",
            parse: { _, _ in nil }, format: { $0.reference })
        type.isSecret = true
        type.parse = { [expectation = type.expectation] (text, context) throws(SettingMismatch) in
            guard case .scalar(let scalar) = text, let secret = Secret(scalar, context) else {
                throw SettingMismatch(message: "expected \(expectation); the secret itself does not belong here")
            }
            return secret
        }
        return type
    }()
}

extension Secret {
    /// More than any key or token needs.
    private static let byteLimit = 65_536

    fileprivate init?(_ text: String, _ context: SettingContext) {
        func missing(_ message: String) -> Result<String, ConfigurationError> {
            .failure(ConfigurationError(.badInput, at: context.place, key: context.key, message))
        }
        if text.hasPrefix("env:"), text.count > 4 {
            let name = String(text.dropFirst(4))
            let value = context.environment[name] ?? ""
            self.init(
                reference: text,
                value: value.isEmpty ? missing("the environment variable \(name) is not set") : .success(value))
        } else if text.hasPrefix("file:"), text.count > 5 {
            let path = absolutePath(String(text.dropFirst(5)), in: context.folder)
            self.init(reference: "file:\(path)", value: Self.read(path).flatMapError { missing($0.message) })
        } else if case .environment(let name) = context.place, !text.isEmpty {
            self.init(reference: "env:\(name)", value: .success(text))
        } else {
            return nil
        }
    }

    /// Reads a file's text without the white space around it.
    private static func read(_ path: String) -> Result<String, SettingMismatch> {
        guard let data = FileManager.default.contents(atPath: path) else {
            return .failure(SettingMismatch(message: "can't read the secret's file \(path)"))
        }
        guard data.count <= byteLimit, let text = String(data: data, encoding: .utf8) else {
            return .failure(SettingMismatch(message: "the secret's file \(path) is not a short text"))
        }
        let secret = text.trimmingCharacters(in: .whitespacesAndNewlines)
        if secret.isEmpty { return .failure(SettingMismatch(message: "the secret's file \(path) is empty")) }
        return .success(secret)
    }
}

/// `path` itself if it is absolute, else as seen from `folder`; `~/` is the home folder.
func absolutePath(_ path: String, in folder: String) -> String {
    if path.hasPrefix("~/") {
        return URL(filePath: String(path.dropFirst(2)), relativeTo: .homeDirectory).standardizedFileURL.path
    }
    return URL(filePath: path, relativeTo: URL(filePath: folder, directoryHint: .isDirectory)).standardizedFileURL.path
}
