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
        var sections: [Substring] = []
        for setting in all {
            let parts = setting.key.split(separator: ".")
            let parents = Array(parts.dropLast())
            text += "\n"
            let shared = zip(sections, parents).prefix { $0 == $1 }.count
            for (depth, section) in parents.enumerated().dropFirst(shared) {
                text += indent(depth) + "\(section):\n"
            }
            sections = parents
            let indent = indent(parents.count)
            text += "\(indent)# \(setting.summary)\n"
            text += "\(indent)# Value: \(setting.expectation).\n"
            text += "\(indent)#\(parts.last ?? ""): \(defaultText(setting) ?? placeholder(setting))\n"
        }
        return text
    }

    private static func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

    /// The value that a setting has where nothing is set.
    static func defaultText(_ setting: Setting) -> String? { setting.text(TidewireConfiguration()) }

    private static func placeholder(_ setting: Setting) -> String { setting.isSecret ? "env:NAME" : "…" }
}
