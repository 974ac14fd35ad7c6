public import DurableExecution
public import Foundation
public import Packs
import Synchronization

/// Packs under their digests in the engine's own store, so that an invocation finds the rules that it began with after a
/// restart, and in a copy of the store.
public final class PackArchive: Sendable {
    /// What is kept beside the packs, in one bookmark.
    private struct Notes: Codable, Equatable {
        /// The digest of the pack that was in force last, by group.
        var last: [String: String] = [:]
        /// Names of all packs that were ever in force: their rules may have kept something about people.
        var names: [String] = []
    }

    private static let bookmark = "packs"

    private let link = EngineLink()
    /// Bookmarks are read, changed and written one after the other.
    private let lock = KeyedLock<String>()

    public init() {}

    /// Gives it the engine in whose store packs are kept. The engine is not retained.
    func connect(_ engine: Engine) { link.connect(engine) }

    private func engine() throws(EngineError) -> Engine {
        guard let engine = link.engine else { throw EngineError(.unavailable, "no engine is connected") }
        return engine
    }

    /// Keeps a pack; to be called before it is put in force.
    ///
    /// - Throws: ``EngineError`` if it can't be kept.
    public func keep(_ pack: Pack) async throws(EngineError) {
        let archive = pack.archive
        do throws(EngineError) {
            try await engine().keep(pack.digest, content: archive)
        } catch {
            // A full disk is no reason to leave a pack out of force that was kept before.
            guard error.code == .unavailable, try await engine().content(ofVersion: pack.digest) == archive else {
                throw error
            }
        }
    }

    /// The pack of a digest; nil if it is not kept.
    ///
    /// - Throws: ``EngineError`` if the store can't be read; ``PackError`` `.corrupted` if what is there is not what was
    ///   written.
    public func pack(digest: String) async throws -> Pack? {
        guard let data = try await engine().content(ofVersion: digest) else { return nil }
        let pack = try Pack(archive: data)
        guard pack.digest == digest else { throw PackError(.corrupted, "the kept pack \(digest) has changed") }
        return pack
    }

    /// Notes that a pack is in force for a group.
    ///
    /// - Throws: ``EngineError``.
    func note(_ pack: Pack, inForceFor group: String) async throws {
        try await lock.withLock(Self.bookmark) {
            let notes = try await self.notes()
            var changed = notes
            changed.last[group] = pack.digest
            changed.names = Set(notes.names + [pack.manifest.name]).sorted()
            guard changed != notes else { return }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let text = String(decoding: try encoder.encode(changed), as: UTF8.self)
            try await self.engine().setCursor(Self.bookmark, to: text)
        }
    }

    /// The pack that was in force last for a group, in this process or one before; nil if none was, or it is gone.
    ///
    /// - Throws: As ``pack(digest:)``.
    func lastPack(for group: String) async throws -> Pack? {
        guard let digest = try await notes().last[group] else { return nil }
        return try await pack(digest: digest)
    }

    /// The names of all packs that were ever in force.
    func names() async throws -> Set<String> { Set(try await notes().names) }

    /// Deletes packs that no unfinished run pins, and that are neither the last of a group nor among `others`.
    ///
    /// - Returns: How many.
    func dropUnused(except others: Set<String>, olderThan age: Duration) async throws -> Int {
        let last = Set(try await notes().last.values)
        return try await engine().dropVersions(olderThan: age, except: last.union(others))
    }

    private func notes() async throws -> Notes {
        guard let text = try await engine().cursor(Self.bookmark) else { return Notes() }
        // What can't be read is as good as lost: the folders say what is in force.
        return (try? JSONDecoder().decode(Notes.self, from: Data(text.utf8))) ?? Notes()
    }
}

/// What became of ``PackArchive/importPacks(from:)``.
public struct PackImport: Sendable, Hashable {
    public var imported = 0
    /// What could not be taken over and was left where it is: file and reason.
    public var left: [String] = []
}

extension PackArchive {
    /// Takes over the packs that versions before kept as files, and deletes each file once its pack is in the store.
    ///
    /// - Parameter folder: With files named `DIGEST.tar`; removed once it is empty. Need not exist.
    /// - Throws: ``EngineError`` if a pack can't be kept; what was not taken over yet stays.
    public func importPacks(from folder: URL) async throws -> PackImport {
        var result = PackImport()
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else { return result }
        for name in names.sorted() where name.hasSuffix(".tar") {
            let file = folder.appending(path: name)
            do {
                let pack = try Pack(archive: try Data(contentsOf: file))
                guard pack.digest + ".tar" == name else { throw PackError(.corrupted, "it has changed") }
                try await keep(pack)
                try FileManager.default.removeItem(at: file)
                result.imported += 1
            } catch let error as EngineError {
                throw error
            } catch {
                result.left.append("\(file.path): \((error as? PackError)?.message ?? error.localizedDescription)")
            }
        }
        if (try? FileManager.default.contentsOfDirectory(atPath: folder.path))?.isEmpty == true {
            try? FileManager.default.removeItem(at: folder)
        }
        return result
    }
}
