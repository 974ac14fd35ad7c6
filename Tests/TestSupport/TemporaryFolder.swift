public import Foundation

/// A folder of the test's own, removed with the last reference.
public final class TemporaryFolder: Sendable {
    public let url: URL

    /// - Parameter name: The folder's own name; what is around it is unique.
    public init(named name: String = "photos") throws {
        url = FileManager.default.temporaryDirectory.appending(path: "tidewire-\(UUID().uuidString)")
            .appending(path: name, directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url.deletingLastPathComponent()) }

    /// The path of a file or folder in it, whether it is there or not.
    public func path(_ name: String) -> String { url.appending(path: name).path }

    public func write(_ text: String, to path: String) throws {
        try write(Data(text.utf8), to: path)
    }

    public func write(_ data: Data, to path: String) throws {
        let file = url.appending(path: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: file)
    }

    public func remove(_ path: String) throws {
        try FileManager.default.removeItem(at: url.appending(path: path))
    }

    public func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: url.appending(path: path).path, withDestinationPath: target)
    }
}
