extension Settings {
    /// The settings as text for a terminal: key, default, what is expected, meaning, variable.
    static func reference() -> String {
        all.map { setting in
            var lines = [setting.key]
            lines.append("    \(setting.summary)")
            lines.append("    Value: \(setting.expectation).")
            if let text = defaultText(setting) { lines.append("    Default: \(text)") }
            lines.append("    Variable: \(setting.environmentName)")
            return lines.joined(separator: "\n")
        }.joined(separator: "\n\n") + "\n"
    }

    /// A `tidewire.yaml` with every setting, explained, with its default, and commented out.
    static func sample() -> String {
        var text = """
            # Settings of Tidewire. Each can be overridden by its TIDEWIRE_… variable and by flags.
            # What is commented out has the value shown.

            """
        var section: Substring?
        for setting in all {
            let parts = setting.key.split(separator: ".")
            let indent = parts.count > 1 ? "  " : ""
            text += "\n"
            if parts.count > 1, parts[0] != section { text += "\(parts[0]):\n" }
            section = parts.count > 1 ? parts[0] : nil
            text += "\(indent)# \(setting.summary)\n"
            text += "\(indent)# Value: \(setting.expectation).\n"
            text += "\(indent)#\(parts.last ?? ""): \(defaultText(setting) ?? placeholder(setting))\n"
        }
        return text
    }

    /// The value that a setting has where nothing is set.
    static func defaultText(_ setting: Setting) -> String? { setting.text(TidewireConfiguration()) }

    private static func placeholder(_ setting: Setting) -> String { setting.isSecret ? "env:NAME" : "…" }
}
