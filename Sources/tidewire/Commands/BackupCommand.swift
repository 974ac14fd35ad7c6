import ArgumentParser
import DurableExecution
import Foundation

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the engine's database while everything runs.",
        discussion: """
            The copy is consistent and whole: it holds everything up to one instant, with the packs that runs under way \
            began with. To restore it, stop the host, put the file in place of engine.sqlite in an empty state directory \
            (or without the -wal and -shm files beside it), and start with --hold: what was sent since the copy was made \
            would be sent again. Look at what is there, cancel what is not to be repeated, then `tidewire resume --all`.
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
            try await copy(state.engineDatabase, to: target)
            let size = try FileManager.default.attributesOfItem(atPath: target)[.size] as? Int ?? 0
            Terminal.line("\(target) holds \(size.formatted(.byteCount(style: .file))).")
        }
    }

    /// Copies the database beside `target` and then moves it there, so that a copy that was cut short never stands where a
    /// good one is looked for.
    private func copy(_ database: String, to target: String) async throws {
        let draft = "\(target).part-\(String(UInt32.random(in: 0 ... .max), radix: 16))"
        // Made empty first, and by nobody else, so that it is its owner's alone from the beginning.
        try PrivateFile.create(draft)
        do {
            try await SQLiteStore(reading: database).backUp(to: draft)
            let problems = try await SQLiteStore(reading: draft).checkIntegrity()
            guard problems.isEmpty else {
                throw CommandError(
                    ExitStatus.failed, "the copy is damaged: \(problems.joined(separator: "; ")); see tidewire doctor")
            }
            if replace { try PrivateFile.move(draft, to: target) } else { try PrivateFile.place(draft, at: target) }
        } catch {
            for end in ["", "-journal", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: draft + end) }
            throw error
        }
    }
}
