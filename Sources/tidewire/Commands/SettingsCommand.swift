import ArgumentParser

struct SettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings",
        abstract: "List every setting: its key, meaning, form, default and variable.",
        discussion: "Start a configuration with `tidewire settings --sample > tidewire.yaml`.")

    @Flag(name: .long, help: "Print a tidewire.yaml with every setting at its default.")
    var sample = false

    func run() {
        Terminal.line(sample ? Settings.sample() : Settings.reference())
    }
}
