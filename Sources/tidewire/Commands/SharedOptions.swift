import ArgumentParser
import Foundation

/// Options of every command.
struct SharedOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Where databases, keys, lock and admin socket live.", valueName: "folder"))
    var stateDirectory: String?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Overrides a setting, of those that `tidewire settings` lists; may be repeated.", valueName: "key=value"))
    var settings: [String] = []

    /// The configuration with these flags on top.
    ///
    /// - Parameter overrides: What other flags of the command mean, by key.
    func load(overrides: [String: String] = [:]) throws -> TidewireConfiguration {
        var all: [String: String] = [:]
        for setting in settings {
            guard let equals = setting.firstIndex(of: "=") else {
                throw CommandError(ExitStatus.usage, "--set \(setting): write it as key=value")
            }
            all[String(setting[..<equals])] = String(setting[setting.index(after: equals)...])
        }
        all.merge(overrides, uniquingKeysWith: { $1 })
        if let stateDirectory { all["state_directory"] = stateDirectory }
        return try TidewireConfiguration.load(
            file: config, environment: ProcessInfo.processInfo.environment, overrides: all)
    }
}

/// Which packs, given as arguments.
struct PackArguments: ParsableArguments {
    @Argument(help: "Folders of rule packs.")
    var packs: [String] = []

    /// As a setting, for those who give it in the configuration instead.
    var overrides: [String: String] { packs.isEmpty ? [:] : ["packs": packs.joined(separator: ",")] }
}

/// Options of the commands that run rules.
struct HostOptions: ParsableArguments {
    @OptionGroup var packs: PackArguments

    @Flag(
        name: .long,
        help: "List what rules would send or change, and do none of it. [setting: dry_run]")
    var dryRun = false

    @Flag(
        name: .long,
        help: "Don't start if a pack can't be loaded as it is. Else its last good version stays in force.")
    var strict = false

    @Flag(
        name: .long,
        help: "Start with everything paused: events are kept, nothing is worked on until `tidewire resume --all`.")
    var hold = false

    var start: StartOptions { StartOptions(isStrict: strict, isHeld: hold) }

    var overrides: [String: String] {
        packs.overrides.merging(dryRun ? ["dry_run": "true"] : [:], uniquingKeysWith: { $1 })
    }
}
