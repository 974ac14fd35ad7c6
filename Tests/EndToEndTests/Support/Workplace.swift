import Foundation

/// A folder for one test, with a pack in it and a state directory, gone when the test is over.
final class Workplace: Sendable {
    let folder: URL

    init() throws {
        // Short, since the admin socket's path must fit 107 bytes.
        folder = URL(filePath: "/tmp/tw-\(UUID().uuidString.prefix(8))", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: pack.appending(path: "rules"), withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    var pack: URL { folder.appending(path: "pack", directoryHint: .isDirectory) }
    var state: URL { folder.appending(path: "state", directoryHint: .isDirectory) }

    /// Saves a rule as an editor does: written beside, then moved into place.
    func save(_ text: String, as rule: String) throws {
        let file = pack.appending(path: "rules/\(rule).lua")
        try Data(text.utf8).write(to: file, options: .atomic)
    }

    func keys() throws -> [String: String] {
        let data = try Data(contentsOf: state.appending(path: "keys.json"))
        return try JSONDecoder().decode([String: String].self, from: data)
    }

    /// Arguments for a process with any free ports.
    func arguments(_ command: String, _ settings: [String: String] = [:], _ more: [String] = []) -> [String] {
        let all = ["gateway.listen": "127.0.0.1:0", "webhook.listen": "127.0.0.1:0", "log.level": "warning"]
            .merging(settings) { $1 }
        return [command] + more + ["--state-directory", state.path]
            + all.sorted { $0.key < $1.key }.flatMap { ["--set", "\($0.key)=\($0.value)"] }
    }
}
