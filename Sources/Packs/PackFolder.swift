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
    ///
    /// Where the pack's folder itself is missing, the nearest one above it, so that its coming back is noticed.
    public var watchedFolders: [URL] {
        var above = url.standardizedFileURL
        while !Self.isFolder(above), above.pathComponents.count > 1 { above.deleteLastPathComponent() }
        guard Self.isFolder(url) else { return [above] }
        let nested = ["rules", "lib"].flatMap { name -> [URL] in
            let folder = url.appending(path: name, directoryHint: .isDirectory)
            return [folder] + ((try? Self.files(under: folder))?.folders ?? [])
        }
        return ([url] + nested).filter(Self.isFolder)
    }

    /// Reads the pack as the folder holds it now.
    ///
    /// - Throws: ``PackError``, naming the file.
    public func read() throws(PackError) -> Pack {
        var files: [String: Data] = [:]
        guard Self.isFolder(url) else {
            throw PackError(.unreadable, "there is no folder \(url.path)", file: url.path)
        }
        let manifest = url.appending(path: PackManifest.fileName)
        if Self.kind(of: manifest) != nil {
            files[PackManifest.fileName] = try content(of: manifest, path: PackManifest.fileName)
        }
        for part in ["rules", "lib"] {
            let folder = url.appending(path: part, directoryHint: .isDirectory)
            guard let kind = Self.kind(of: folder) else { continue }
            guard kind == .typeDirectory else { throw PackError(.invalid, "must be a folder of its own", file: part) }
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

    /// Whether it is a folder, or a link to one.
    private static func isFolder(_ url: URL) -> Bool {
        kind(of: url.resolvingSymlinksInPath()) == .typeDirectory
    }

    /// What lies at a path, links not followed; nil if nothing does.
    private static func kind(of url: URL) -> FileAttributeType? {
        attributes(of: url)?[.type] as? FileAttributeType
    }

    private static func attributes(of url: URL) -> [FileAttributeKey: Any]? {
        try? FileManager.default.attributesOfItem(atPath: url.path)
    }

    /// - Throws: ``PackError`` for anything but a plain file: a link could lead out of the pack, and a pipe would be
    ///   waited for.
    private func content(of file: URL, path: String) throws(PackError) -> Data {
        guard Self.kind(of: file) == .typeRegular else {
            throw PackError(.invalid, "must be a plain file, not a link or a device", file: path)
        }
        try checkSize((Self.attributes(of: file)?[.size] as? NSNumber)?.intValue ?? 0, of: path)
        let data: Data
        do {
            data = try Data(contentsOf: file)
        } catch {
            throw PackError(.unreadable, "cannot be read: \(error.localizedDescription)", file: path)
        }
        try checkSize(data.count, of: path)
        return data
    }

    private func checkSize(_ size: Int, of path: String) throws(PackError) {
        guard size <= Self.fileByteLimit else {
            throw PackError(
                .invalid, "is \(size / 1024) KB, over the \(Self.fileByteLimit / 1024) KB allowed", file: path)
        }
    }

    private func relativePath(of file: URL, under folder: URL) -> String {
        let base = folder.standardizedFileURL.pathComponents.count
        return file.standardizedFileURL.pathComponents.dropFirst(base).joined(separator: "/")
    }

    /// Files (links and devices among them) and folders below `folder`. Hidden ones are passed over: editors keep their
    /// locks and copies there. Links to folders are not followed, so that nothing outside the pack gets in.
    private static func files(under folder: URL) throws(PackError) -> (files: [URL], folders: [URL]) {
        guard
            let walk = FileManager.default.enumerator(
                at: folder, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])
        else { throw PackError(.unreadable, "cannot be listed", file: folder.path) }
        var files: [URL] = []
        var folders: [URL] = []
        for case let url as URL in walk {
            if kind(of: url) == .typeDirectory { folders.append(url) } else { files.append(url) }
        }
        return (files, folders)
    }

    private static func check(_ path: String) throws(PackError) {
        guard UstarArchive.canHold(path) else {
            throw PackError(.invalid, "the path is too long", file: path)
        }
        guard Pack.isPath(path) else {
            throw PackError(
                .invalid, "names may hold letters, digits, _ and - only, and rules lie directly in rules/", file: path)
        }
    }
}
