import ArgumentParser
import DurableExecution
import Foundation

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the engine's database while everything runs.",
        discussion: """
            The copy is consistent: it holds everything up to one instant. To restore it, stop the host, put the file \
            in place of engine.sqlite in the state directory (without the -wal and -shm files beside it), and start. \
            What the copy doesn't know of was forgotten: messages since then that polling finds again are handled again.
            """)

    @Argument(help: "The file to write. One that is there is not replaced, unless --replace is given.")
    var file: String

    @Flag(name: .long, help: "Replace the file if it is there.")
    var replace = false

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        try await reportingErrors {
            let configuration = try shared.load()
            let state = try StateDirectory.existing(at: configuration.stateDirectory)
            let target = absolutePath(file, in: FileManager.default.currentDirectoryPath)
            guard replace || !FileManager.default.fileExists(atPath: target) else {
                throw CommandError(ExitStatus.failed, "\(target) is there already: --replace replaces it")
            }
            guard FileManager.default.fileExists(atPath: state.engineDatabase) else {
                throw CommandError(ExitStatus.unavailable, "no host ran with the state directory \(state.path) yet")
            }
            let store = try SQLiteStore(reading: state.engineDatabase)
            // Made beside and moved, so that a copy that was cut short never stands where a good one is looked for.
            let draft = target + ".part"
            // And made empty first, so that it is its owner's alone from the beginning.
            try PrivateFile.write(Data(), to: draft)
            try await store.backUp(to: draft)
            let problems = try await SQLiteStore(reading: draft).checkIntegrity()
            guard problems.isEmpty else {
                throw CommandError(
                    ExitStatus.failed, "the copy is damaged: \(problems.joined(separator: "; ")); see tidewire doctor")
            }
            try PrivateFile.move(draft, to: target)
            let size = try FileManager.default.attributesOfItem(atPath: target)[.size] as? Int ?? 0
            Terminal.line("\(target) holds \(size.formatted(.byteCount(style: .file))).")
        }
    }
}
