public import Foundation
import Yams

/// What a pack says of itself in `pack.yaml`.
public struct PackManifest: Sendable, Hashable {
    public static let fileName = "pack.yaml"

    /// `org/pack`: two parts of lower-case letters, digits, `-` and `_`, each beginning with a letter or digit.
    public var name: String
    /// Three numbers, `1.4.0`, with an optional pre-release after `-`. Source: semver.org, 2.0.0.
    public var version: String
    public var description: String?

    public init(name: String, version: String, description: String? = nil) {
        self.name = name
        self.version = version
        self.description = description
    }

    /// Reads a manifest.
    ///
    /// - Throws: ``PackError`` `.invalid`, with the line, for YAML that is broken, a key that is unknown or missing, or
    ///   a value of the wrong form.
    public init(yaml: Data) throws(PackError) {
        guard let node = try Self.compose(yaml), let mapping = node.mapping else {
            throw PackError(.invalid, "must hold keys and values, at least name and version", file: Self.fileName)
        }
        var fields: [String: Node] = [:]
        for (key, value) in mapping {
            let name = key.string ?? ""
            guard Self.keys.contains(name) else {
                let hint = NearestName.suggestion(for: name, among: Self.keys)
                throw PackError(
                    .invalid, "unknown key \"\(name)\"\(hint)", file: Self.fileName, line: key.mark?.line)
            }
            fields[name] = value
        }
        name = try Self.text("name", in: fields, matching: Self.isName, form: "org/pack in lower case")
        version = try Self.text("version", in: fields, matching: Self.isVersion, form: "three numbers, such as 1.0.0")
        description = try fields["description"].map { node throws(PackError) in
            guard let text = node.scalar?.string else {
                throw PackError(.invalid, "description must be text", file: Self.fileName, line: node.mark?.line)
            }
            return text
        }
    }

    /// The manifest as a file holds it.
    var yaml: String {
        let text = "name: \(name)\nversion: \(version)\n"
        guard let description, let quoted = try? JSONEncoder().encode(description) else { return text }
        // A JSON string is a YAML string. Source: YAML 1.2.2, 1.2 "YAML processing" and 7.3.1 "Double-quoted style".
        return text + "description: \(String(decoding: quoted, as: UTF8.self))\n"
    }

    private static func compose(_ yaml: Data) throws(PackError) -> Node? {
        guard let text = String(bytes: yaml, encoding: .utf8) else {
            throw PackError(.invalid, "is not UTF-8 text; save it as UTF-8", file: fileName)
        }
        do {
            return try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw PackError(.invalid, error.plainMessage, file: fileName, line: error.line)
        } catch {
            throw PackError(.invalid, "is not YAML: \(error)", file: fileName)
        }
    }

    private static let keys = ["name", "version", "description"]

    private static func text(
        _ key: String, in fields: [String: Node], matching isValid: (String) -> Bool, form: String
    ) throws(PackError) -> String {
        guard let node = fields[key] else {
            throw PackError(.invalid, "\(key) is missing: it must be \(form)", file: fileName)
        }
        guard let text = node.scalar?.string, isValid(text) else {
            throw PackError(.invalid, "\(key) must be \(form)", file: fileName, line: node.mark?.line)
        }
        return text
    }

    static func isName(_ text: String) -> Bool {
        text.utf8.count <= 100 && text.wholeMatch(of: /[a-z0-9][a-z0-9_\-]*\/[a-z0-9][a-z0-9_\-]*/) != nil
    }

    static func isVersion(_ text: String) -> Bool {
        text.utf8.count <= 64
            && text.wholeMatch(
                of: /(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*)?/) != nil
    }
}

extension YamlError {
    fileprivate var plainMessage: String {
        switch self {
        case .scanner(_, let problem, _, _), .parser(_, let problem, _, _), .composer(_, let problem, _, _),
            .reader(let problem, _, _, _):
            "is not YAML: \(problem)"
        case .duplicatedKeysInMapping(let duplicates, _):
            "holds a key twice: \(duplicates.joined(separator: ", "))"
        default:
            "is not YAML: \(self)"
        }
    }

    /// From 1.
    fileprivate var line: Int? {
        switch self {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        case .duplicatedKeysInMapping(_, let context): context.mark.line
        default: nil
        }
    }
}
