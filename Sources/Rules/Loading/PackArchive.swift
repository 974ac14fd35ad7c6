public import Foundation
public import Packs

/// Packs kept on disk under their digests, so that an invocation finds the rules it began with after a restart.
public struct PackArchive: Sendable {
    private let directory: URL

    /// - Parameter directory: Made with the first pack, for its owner only.
    public init(directory: URL) {
        self.directory = directory
    }

    /// Keeps a pack; one that is kept already is written again only if its file was damaged.
    ///
    /// - Throws: ``PackError`` `.unreadable` if it cannot be written.
    public func keep(_ pack: Pack) throws(PackError) {
        let file = file(of: pack.digest)
        let archive = pack.archive
        guard (try? Data(contentsOf: file)) != archive else { return }
        do {
            try FileManager.default.createDirectory(
                at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try archive.write(to: file, options: .atomic)
        } catch {
            throw PackError(
                .unreadable, "the pack cannot be kept in \(directory.path): \(error.localizedDescription)",
                file: file.path)
        }
    }

    /// The pack of a digest; nil if it was never kept.
    ///
    /// - Throws: ``PackError`` `.corrupted` if the file is not what was written.
    public func pack(digest: String) throws(PackError) -> Pack? {
        guard digest.allSatisfy(\.isHexDigit), let data = try? Data(contentsOf: file(of: digest)) else { return nil }
        let pack = try Pack(archive: data)
        guard pack.digest == digest else {
            throw PackError(.corrupted, "the kept pack \(digest) has changed", file: file(of: digest).path)
        }
        return pack
    }

    /// The names of all packs that are kept and can be read.
    var names: Set<String> {
        let files = (try? FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)) ?? []
        let packs = files.compactMap { file in
            (try? Data(contentsOf: file)).flatMap { try? Pack(archive: $0) }
        }
        return Set(packs.map(\.manifest.name))
    }

    private func file(of digest: String) -> URL { directory.appending(path: digest + ".tar") }
}
