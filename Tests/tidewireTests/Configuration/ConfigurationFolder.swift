import Foundation
import Testing

@testable import tidewire

/// A folder with configuration files, removed when the test ends.
final class ConfigurationFolder: Sendable {
    let path: String

    init() {
        let url = URL.temporaryDirectory.appending(path: "tidewire-\(UUID().uuidString)").resolvingSymlinksInPath()
        path = url.path
        try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ text: String, to name: String = "tidewire.yaml") throws -> String {
        let url = URL(filePath: path).appending(path: name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    func load(
        file: String? = nil, environment: [String: String] = [:], overrides: [String: String] = [:]
    ) throws -> TidewireConfiguration {
        try TidewireConfiguration.load(
            file: file, environment: environment, overrides: overrides, directory: path)
    }
}

/// Expects a configuration error with exactly this message.
func expectProblem(
    _ message: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ load: () throws -> TidewireConfiguration
) {
    let error = #expect(throws: ConfigurationError.self, sourceLocation: sourceLocation) { try load() }
    #expect(error?.message == message, sourceLocation: sourceLocation)
}

/// Expects a configuration error whose message contains this.
func expectProblem(
    containing part: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ load: () throws -> TidewireConfiguration
) {
    let error = #expect(throws: ConfigurationError.self, sourceLocation: sourceLocation) { try load() }
    #expect(error?.message.contains(part) == true, "\(error?.message ?? "")", sourceLocation: sourceLocation)
}
