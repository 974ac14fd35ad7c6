import Crypto
public import Foundation

/// A rule pack as an artefact: its manifest and the files that belong to it.
///
/// A pack is a folder with `pack.yaml`, rules in `rules/*.lua` and modules in `lib/`. What else lies in the folder
/// (notes, an editor's files) is not part of it.
public struct Pack: Sendable, Hashable {
    public let manifest: PackManifest
    /// Contents by path inside the pack, such as `rules/heart_photos.lua`; `pack.yaml` is always among them.
    public let files: [String: Data]
    /// Lower-case hex SHA-256 of ``archive``: equal packs have equal digests, whatever folder they came from.
    public let digest: String

    /// - Parameter files: Where they hold no manifest, `manifest` is written into them, so that the pack's name is part
    ///   of its digest and of its archive.
    public init(manifest: PackManifest, files: [String: Data]) {
        var files = files
        if files[PackManifest.fileName] == nil { files[PackManifest.fileName] = Data(manifest.yaml.utf8) }
        self.manifest = manifest
        self.files = files
        digest = SHA256.hash(data: UstarArchive(files: files).data).map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }

    /// The pack as a deterministic, uncompressed ustar archive.
    public var archive: Data { UstarArchive(files: files).data }

    /// Reads what ``archive`` wrote.
    ///
    /// - Throws: ``PackError``: `.corrupted` for a damaged archive or one that holds what no pack holds, or what its
    ///   manifest throws.
    public init(archive: Data) throws(PackError) {
        let files = try UstarArchive(data: archive).files
        guard let manifest = files[PackManifest.fileName] else {
            throw PackError(.corrupted, "the archive holds no \(PackManifest.fileName)")
        }
        for path in files.keys where path != PackManifest.fileName && !Self.isPath(path) {
            throw PackError(.corrupted, "the archive holds \(path), which is no file of a pack")
        }
        self.init(manifest: try PackManifest(yaml: manifest), files: files)
    }

    /// Whether a rule or module may lie at `path`. A rule's name is its file's name, so the name must be one that can be
    /// typed and shown.
    static func isPath(_ path: String) -> Bool {
        path.utf8.allSatisfy { $0 < 0x80 } && UstarArchive.canHold(path)
            && path.wholeMatch(of: /(rules\/[A-Za-z0-9_\-]+|lib\/([A-Za-z0-9_\-]+\/)*[A-Za-z0-9_\-]+)\.lua/) != nil
    }

    /// - Parameter fallbackName: The name of a pack that has no manifest.
    init(files: [String: Data], fallbackName: String) throws(PackError) {
        let manifest =
            if let text = files[PackManifest.fileName] {
                try PackManifest(yaml: text)
            } else {
                PackManifest(name: fallbackName, version: "0.0.0")
            }
        self.init(manifest: manifest, files: files)
    }

    /// The rules' files by rule name, such as `heart_photos`, in the order of their names.
    public var rules: [(name: String, path: String)] {
        named("rules/")
    }

    /// The modules' files by the name that `require` takes: `lib/text/fold.lua` is `text.fold`.
    public var modules: [(name: String, path: String)] {
        named("lib/").map { ($0.name.replacing("/", with: "."), $0.path) }
    }

    /// By name and not by path: of `a.lua` and `a-b.lua`, the path of the second comes first.
    private func named(_ folder: String) -> [(name: String, path: String)] {
        files.keys.filter { $0.hasPrefix(folder) }
            .map { (name: String($0.dropFirst(folder.count).dropLast(".lua".count)), path: $0) }
            .sorted { $0.name < $1.name }
    }

    /// A file's content as text.
    ///
    /// - Throws: ``PackError`` `.invalid` if the file is missing or not UTF-8.
    public func text(of path: String) throws(PackError) -> String {
        guard let data = files[path] else {
            throw PackError(.invalid, "the pack has no file \(path)", file: path)
        }
        guard let text = String(bytes: data, encoding: .utf8) else {
            throw PackError(.invalid, "\(path) is not UTF-8 text; save it as UTF-8", file: path)
        }
        return text
    }
}

/// Why a pack could not be read.
public struct PackError: Error, Sendable, Hashable {
    public enum Code: String, Sendable, Hashable {
        /// The folder or a file in it cannot be read: fix the path or its permissions.
        case unreadable
        /// The pack breaks a rule for packs: fix the file that is named.
        case invalid
        /// An archive was damaged: fetch or build it again.
        case corrupted
    }

    public var code: Code
    public var message: String
    /// The path inside the pack, or of the folder.
    public var file: String?
    /// From 1.
    public var line: Int?

    public init(_ code: Code, _ message: String, file: String? = nil, line: Int? = nil) {
        self.code = code
        self.message = message
        self.file = file
        self.line = line
    }
}
