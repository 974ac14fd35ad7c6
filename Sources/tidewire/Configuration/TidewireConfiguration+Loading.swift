import Configuration
import Foundation

extension TidewireConfiguration {
    static let fileName = "tidewire.yaml"
    /// A configuration is some kilobytes; what is larger is another file.
    private static let fileByteLimit = 1_048_576

    /// Reads the configuration: `tidewire.yaml`, overridden by `TIDEWIRE_…` variables, overridden by flags.
    ///
    /// In the environment and in flags a list is separated by commas, and an empty variable counts as not set.
    ///
    /// - Parameters:
    ///   - file: A file that must exist. Nil: the one that the variable `TIDEWIRE_CONFIG` names (must exist), else
    ///     `tidewire.yaml` in `directory`, which may be missing.
    ///   - overrides: Flags by key: `["webhook.listen": "127.0.0.1:0"]`.
    ///   - directory: The working directory.
    /// - Throws: ``ConfigurationError`` with everything that is wrong.
    static func load(
        file: String?, environment: [String: String], overrides: [String: String] = [:],
        directory: String = FileManager.default.currentDirectoryPath
    ) throws(ConfigurationError) -> TidewireConfiguration {
        let named = file ?? environment[Settings.fileVariable].flatMap { $0.isEmpty ? nil : $0 }
        let content = try read(named, in: directory)
        let folder = content.map { URL(filePath: $0.path).deletingLastPathComponent().path } ?? directory
        let sources = ConfigurationSources(
            file: content, folder: folder, environment: environment, overrides: overrides, directory: directory)

        var configuration = TidewireConfiguration()
        configuration.stateDirectory = absolutePath(configuration.stateDirectory, in: folder)
        let problems = (content?.problems ?? []) + sources.unknownNames() + sources.apply(to: &configuration)
        guard problems.isEmpty else { throw ConfigurationError(.badInput, problems) }
        return configuration
    }

    private static func read(_ named: String?, in directory: String) throws(ConfigurationError) -> ConfigurationFile? {
        let path = absolutePath(named ?? fileName, in: directory)
        if named == nil, !FileManager.default.fileExists(atPath: path) { return nil }
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            let reason = FileManager.default.fileExists(atPath: path) ? "can't be read" : "does not exist"
            throw ConfigurationError(.unreadable, at: .file(path, line: nil), "the configuration \(reason)")
        }
        guard data.count <= fileByteLimit, let text = String(data: data, encoding: .utf8) else {
            throw ConfigurationError(
                .badInput, at: .file(path, line: nil), "not a configuration: expected UTF-8 text of at most 1MiB")
        }
        return try ConfigurationFile(text: text, path: path)
    }
}

/// The three places where settings stand, the strongest first.
private struct ConfigurationSources {
    private struct Source {
        var provider: any ConfigProvider
        var folder: String
        /// Whether an empty text is a value; else it counts as not set.
        var keepsEmpty: Bool
        var place: (Setting) -> ConfigurationPlace
    }

    private let sources: [Source]
    private let environment: [String: String]
    private let overrides: [String: String]

    init(
        file: ConfigurationFile?, folder: String, environment: [String: String], overrides: [String: String],
        directory: String
    ) {
        self.environment = environment
        self.overrides = overrides
        let flags = Source(
            provider: InMemoryProvider(values: Self.values(overrides)), folder: directory, keepsEmpty: true,
            place: { _ in .commandLine })
        let variables = Source(
            provider: EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: "tidewire"),
            folder: directory, keepsEmpty: false, place: { .environment($0.environmentName) })
        let content = Source(
            provider: InMemoryProvider(values: Self.values(file)), folder: folder, keepsEmpty: true,
            place: { .file(file?.path ?? "", line: file?.values[$0.key]?.line) })
        sources = [flags, variables, content]
    }

    private static func values(_ overrides: [String: String]) -> [AbsoluteConfigKey: ConfigValue] {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, text) in overrides {
            guard let setting = Settings[key] else { continue }
            let items = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            values[setting.configKey] = ConfigValue(
                setting.isList ? .stringArray(items) : .string(text), isSecret: setting.isSecret)
        }
        return values
    }

    private static func values(_ file: ConfigurationFile?) -> [AbsoluteConfigKey: ConfigValue] {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, value) in file?.values ?? [:] {
            guard let setting = Settings[key] else { continue }
            let content: ConfigContent =
                switch value.text {
                case .scalar(let text): .string(text)
                case .list(let items): .stringArray(items)
                }
            values[setting.configKey] = ConfigValue(content, isSecret: setting.isSecret)
        }
        return values
    }

    /// Sets what is set; the problems are in the order of the table.
    func apply(to configuration: inout TidewireConfiguration) -> [ConfigurationError.Problem] {
        var problems: [ConfigurationError.Problem] = []
        for setting in Settings.all {
            guard let (text, source) = lookUp(setting) else { continue }
            let place = source.place(setting)
            let context = SettingContext(
                folder: source.folder, environment: environment, place: place, key: setting.key)
            do throws(SettingMismatch) {
                try setting.apply(text, context, &configuration)
            } catch {
                problems.append(ConfigurationError.Problem(place: place, key: setting.key, message: error.message))
            }
        }
        return problems
    }

    private func lookUp(_ setting: Setting) -> (SettingText, Source)? {
        for source in sources {
            guard let text = text(of: setting, in: source.provider) else { continue }
            if !source.keepsEmpty, text == .scalar("") || text == .list([""]) { continue }
            return (text, source)
        }
        return nil
    }

    /// Asks for the setting's own shape first; the other one is kept, so that the error can say what came.
    private func text(of setting: Setting, in provider: any ConfigProvider) -> SettingText? {
        let types: [ConfigType] = setting.isList ? [.stringArray, .string] : [.string, .stringArray]
        for type in types {
            switch try? provider.value(forKey: setting.configKey, type: type).value?.content {
            case .string(let text): return .scalar(text)
            case .stringArray(let items): return .list(items)
            default: continue
            }
        }
        return nil
    }

    /// Flags, and variables beginning with `TIDEWIRE_`, that name no setting. A variable that holds a secret which
    /// some setting refers to may have any name.
    func unknownNames() -> [ConfigurationError.Problem] {
        let names = Settings.all.map(\.environmentName) + [Settings.fileVariable]
        let referred = Set(Settings.all.filter(\.isSecret).flatMap(references))
        let variables = environment.keys.filter { name in
            name.hasPrefix(Settings.environmentPrefix) && !names.contains(name) && !referred.contains("env:" + name)
        }
        let flags = overrides.keys.filter { Settings[$0] == nil }
        return variables.sorted().map { name in
            let hint = Spelling.nearest(to: name, among: names).map { "; did you mean \($0)?" } ?? ""
            return .init(place: .environment(name), key: nil, message: "no setting has this variable\(hint)")
        }
            + flags.sorted().map { key in
                let hint = Spelling.nearest(to: key, among: Settings.all.map(\.key)).map { "; did you mean \($0)?" }
                return .init(place: .commandLine, key: key, message: "unknown key\(hint ?? "")")
            }
    }

    private func references(of setting: Setting) -> [String] {
        switch lookUp(setting)?.0 {
        case .scalar(let text): [text]
        case .list(let items): items
        case nil: []
        }
    }
}

extension Setting {
    fileprivate var configKey: AbsoluteConfigKey {
        AbsoluteConfigKey(key.split(separator: ".").map(String.init))
    }
}
