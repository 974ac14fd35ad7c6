public import Foundation

/// A folder that holds a pack.
public struct PackFolder: Sendable, Hashable {
    /// Largest file of a pack, in bytes: what Lua's parser gets through in a fraction of a second.
    public static let fileByteLimit = 256 * 1024
    public static let fileCountLimit = 2_000

    public var url: URL

    public init(_ url: URL) {
        self.url = url
    }

    /// The folders in which a pack's files lie, as far as they exist; what a watcher watches.
    public var watchedFolders: [URL] {
        let nested = ["rules", "lib"].flatMap { name -> [URL] in
            let folder = url.appending(path: name, directoryHint: .isDirectory)
            return [folder] + ((try? Self.files(under: folder))?.folders ?? [])
        }
        return ([url] + nested).filter { (try? $0.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true }
    }

    /// Reads the pack as the folder holds it now.
    ///
    /// - Throws: ``PackError``, naming the file.
    public func read() throws(PackError) -> Pack {
        var files: [String: Data] = [:]
        try require(url)
        let manifest = url.appending(path: PackManifest.fileName)
        if FileManager.default.fileExists(atPath: manifest.path) {
            files[PackManifest.fileName] = try content(of: manifest, path: PackManifest.fileName)
        }
        for part in ["rules", "lib"] {
            let folder = url.appending(path: part, directoryHint: .isDirectory)
            guard FileManager.default.fileExists(atPath: folder.path) else { continue }
            for file in try Self.files(under: folder).files where file.pathExtension == "lua" {
                let path = part + "/" + relativePath(of: file, under: folder)
                try Self.check(path)
                files[path] = try content(of: file, path: path)
                guard files.count <= Self.fileCountLimit else {
                    throw PackError(.invalid, "holds more than \(Self.fileCountLimit) files", file: url.path)
                }
            }
        }
        return try Pack(files: files, fallbackName: fallbackName)
    }

    /// `local/` and the folder's name, for a pack without a manifest.
    private var fallbackName: String {
        let name = url.lastPathComponent.lowercased().map { character in
            character.isASCII && (character.isLetter || character.isNumber || "-_".contains(character))
                ? String(character) : "-"
        }.joined()
        return PackManifest.isName("local/" + name) ? "local/" + name : "local/pack"
    }

    private func require(_ folder: URL) throws(PackError) {
        guard (try? folder.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true else {
            throw PackError(.unreadable, "there is no folder \(folder.path)", file: folder.path)
        }
    }

    private func content(of file: URL, path: String) throws(PackError) -> Data {
        let data: Data
        do {
            data = try Data(contentsOf: file)
        } catch {
            throw PackError(.unreadable, "cannot be read: \(error.localizedDescription)", file: path)
        }
        guard data.count <= Self.fileByteLimit else {
            throw PackError(
                .invalid, "is \(data.count / 1024) KB, over the \(Self.fileByteLimit / 1024) KB allowed", file: path)
        }
        return data
    }

    private func relativePath(of file: URL, under folder: URL) -> String {
        let base = folder.standardizedFileURL.pathComponents.count
        return file.standardizedFileURL.pathComponents.dropFirst(base).joined(separator: "/")
    }

    /// Regular files and folders below `folder`; hidden ones and symbolic links are passed over, so that nothing
    /// outside the pack gets in.
    private static func files(under folder: URL) throws(PackError) -> (files: [URL], folders: [URL]) {
        let keys: [URLResourceKey] = [.isRegularFileKey, .isDirectoryKey, .isSymbolicLinkKey]
        guard
            let walk = FileManager.default.enumerator(
                at: folder, includingPropertiesForKeys: keys, options: [.skipsHiddenFiles])
        else { throw PackError(.unreadable, "cannot be listed", file: folder.path) }
        var files: [URL] = []
        var folders: [URL] = []
        for case let url as URL in walk {
            let values = try? url.resourceValues(forKeys: Set(keys))
            if values?.isSymbolicLink == true { continue }
            if values?.isRegularFile == true { files.append(url) }
            if values?.isDirectory == true { folders.append(url) }
        }
        return (files, folders)
    }

    /// A rule's name is its file's name, so the name must be one that can be typed and shown.
    private static func check(_ path: String) throws(PackError) {
        guard path.wholeMatch(of: /(rules\/[A-Za-z0-9_\-]+|lib\/([A-Za-z0-9_\-]+\/)*[A-Za-z0-9_\-]+)\.lua/) != nil
        else {
            throw PackError(
                .invalid, "names may hold letters, digits, _ and - only, and rules lie directly in rules/", file: path)
        }
        guard UstarArchive.canHold(path) else {
            throw PackError(.invalid, "the path is too long", file: path)
        }
    }
}
