/// A setting's text as a source gives it, before it has a type.
enum SettingText: Sendable, Hashable {
    case scalar(String)
    case list([String])
}

/// Why a text is not a value of a setting's type.
struct SettingMismatch: Error, Sendable, Hashable {
    /// What was expected and what came instead. Never holds a secret.
    var message: String
}

/// What reading a text depends on beside the text.
struct SettingContext: Sendable {
    /// Where relative paths begin, absolute: the file's folder for what stands in a file, else the working directory.
    var folder: String
    /// Where `env:NAME` looks.
    var environment: [String: String]
    var place: ConfigurationPlace
    var key: String
}

/// One thing that an operator can set.
struct Setting: Sendable {
    /// The path in `tidewire.yaml`, joined by dots: `webhook.body_limit`.
    let key: String
    /// One sentence or two.
    let summary: String
    /// What a value looks like, with its range: `a duration such as 30s, 5m or 24h; from 1s to 2m`.
    let expectation: String
    let isList: Bool
    let isSecret: Bool
    let apply: @Sendable (SettingText, SettingContext, inout TidewireConfiguration) throws(SettingMismatch) -> Void
    /// The value in a configuration as it would stand in `tidewire.yaml`; nil where nothing is set.
    let text: @Sendable (TidewireConfiguration) -> String?

    init<Value>(
        _ key: String, _ type: SettingType<Value>,
        _ path: any WritableKeyPath<TidewireConfiguration, Value> & Sendable, _ summary: String
    ) {
        self.key = key
        self.summary = summary
        expectation = type.expectation
        isList = type.isList
        isSecret = type.isSecret
        apply = { (text, context, configuration) throws(SettingMismatch) in
            configuration[keyPath: path] = try type.parse(text, context)
        }
        text = { type.format($0[keyPath: path]) }
    }

    /// `TIDEWIRE_WEBHOOK_BODY_LIMIT` for `webhook.body_limit`.
    var environmentName: String {
        Settings.environmentPrefix + key.uppercased().replacing(".", with: "_")
    }
}
