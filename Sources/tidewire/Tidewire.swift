import ArgumentParser

@main
struct Tidewire: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "tidewire",
        abstract: "Runs rules written in Lua over phone conversations (SMS, MMS, iMessage).",
        discussion: """
            Start with `tidewire dev`: the local gateway, the host and a watcher in one process, with no account. Then, \
            in another terminal, `tidewire trigger message --from +15559876543 --body "Where is my order?"`.

            Settings come from tidewire.yaml, overridden by TIDEWIRE_… variables, overridden by flags; `tidewire \
            settings` lists them.

            Exit status: 0 done; 1 it failed, or rules have problems; 64 wrong usage; 69 the host or the API cannot be \
            reached; 75 another process has the state directory; 78 the configuration is wrong.
            """,
        version: version,
        subcommands: [
            DevCommand.self, ServeCommand.self, GatewayCommand.self, TriggerCommand.self, SimCommand.self,
            CheckCommand.self,
            ReloadCommand.self, EventsCommand.self, RunsCommand.self, TraceCommand.self, SettingsCommand.self,
            StatusCommand.self, PauseCommand.self,
            ResumeCommand.self, ReplayCommand.self, OptOutsCommand.self, ForgetCommand.self, DoctorCommand.self,
            BackupCommand.self,
        ])
}
