import Foundation
import Yams

/// What a `tidewire.yaml` says, by key, with the line of each value.
struct ConfigurationFile {
    struct Value: Sendable, Hashable {
        var text: SettingText
        var line: Int?
    }

    private(set) var path: String
    private(set) var values: [String: Value] = [:]
    /// Unknown keys and shapes that do not fit, in the order of the file.
    private(set) var problems: [ConfigurationError.Problem] = []

    /// Reads YAML text.
    ///
    /// - Throws: ``ConfigurationError`` where it is not YAML; all else that is wrong is in ``problems``.
    init(text: String, path: String) throws(ConfigurationError) {
        self.path = path
        let root: Node?
        do {
            root = try Parser(yaml: text).singleRoot()
        } catch {
            throw Self.syntaxError(error, path: path)
        }
        guard let root, root.null == nil else { return }
        guard let mapping = root.mapping else {
            throw ConfigurationError(
                .badInput, at: .file(path, line: root.mark?.line),
                "expected keys and values such as \"source: webhook\"")
        }
        read(mapping, under: "")
    }

    private mutating func read(_ mapping: Node.Mapping, under prefix: String) {
        for (keyNode, node) in mapping {
            let line = keyNode.mark?.line
            let key = prefix + (keyNode.scalar?.string ?? "?")
            if let setting = Settings[key] {
                read(node, for: setting, line: line)
            } else if Settings.sections.contains(key) {
                if let section = node.mapping {
                    read(section, under: key + ".")
                } else if node.null == nil {
                    report(key, line: line, "expected the settings of this section below it")
                }
            } else {
                report(key, line: line, Self.unknown(key))
            }
        }
    }

    private mutating func read(_ node: Node, for setting: Setting, line: Int?) {
        guard values[setting.key] == nil else {
            return report(setting.key, line: line, "is set twice")
        }
        if node.null != nil {
            report(setting.key, line: line, "has no value: expected \(setting.expectation)")
        } else if let scalar = node.scalar {
            values[setting.key] = Value(text: .scalar(scalar.string), line: line)
        } else if let items = node.sequence?.map({ $0.scalar?.string }), !items.contains(nil) {
            values[setting.key] = Value(text: .list(items.compactMap { $0 }), line: line)
        } else {
            report(setting.key, line: line, "expected \(setting.expectation), got keys or lists below it")
        }
    }

    private mutating func report(_ key: String, line: Int?, _ message: String) {
        problems.append(ConfigurationError.Problem(place: .file(path, line: line), key: key, message: message))
    }

    private static func unknown(_ key: String) -> String {
        let known = Settings.all.map(\.key) + Settings.sections.sorted()
        guard let nearest = Spelling.nearest(to: key, among: known) else {
            return "unknown key"
        }
        return "unknown key; did you mean \(nearest)?"
    }

    private static func syntaxError(_ error: any Error, path: String) -> ConfigurationError {
        let (line, message): (Int?, String) =
            switch error {
            case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
                YamlError.composer(_, let problem, let mark, _):
                (mark.line, "not valid YAML: \(problem)")
            case YamlError.duplicatedKeysInMapping(let keys, let context):
                (context.mark.line, "these keys are set twice: \(keys.sorted().joined(separator: ", "))")
            default: (nil, "not valid YAML: \(error)")
            }
        return ConfigurationError(.badInput, at: .file(path, line: line), message)
    }
}
