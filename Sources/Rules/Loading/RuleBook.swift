public import DurableExecution
import Foundation
import Synchronization

/// A folder whose pack can't be put in force as it is now.
public struct PackTrouble: Sendable, Hashable {
    /// The folder's path, by which what waits for its pack is held.
    public var folder: String
    public var problems: RuleProblems
    /// The pack that is in force for the folder, as it was last good; nil if none is, and its events wait.
    public var pack: String?
    /// The version of that pack.
    public var version: String?
}

/// The rules in force, and the packs that invocations under way began with.
public final class RuleBook: Sendable {
    private struct State {
        /// By pack name.
        var active: [String: RulePack] = [:]
        /// The folders that packs came from, by pack name.
        var groups: [String: String] = [:]
        /// By version: those in force, and others that were asked for.
        var known: [String: RulePack] = [:]
        /// When versions went out of force.
        var retired: [String: Date] = [:]
        /// By folder.
        var troubles: [String: PackTrouble] = [:]
        /// Made when they are first needed, of the packs that are active.
        var indexes: [ConversationEvent.Kind: RuleIndex] = [:]
        var asksForFirst = false
        /// Counts the changes of `active`.
        var edition = 0

        mutating func changed() {
            edition += 1
            indexes = [:]
            asksForFirst = active.values.contains { $0.rules.contains { $0.filter.first != nil } }
        }
    }

    /// How many packs that are not in force stay in memory.
    private static let memoryLimit = 64
    /// Longer than it takes from matching an event with a version to keeping the match, by far.
    private static let retirement = Duration.seconds(3600)

    private let state = Mutex(State())
    private let archive: PackArchive?

    /// - Parameter archive: Where packs are kept for invocations that outlive this process; nil keeps none.
    public init(archive: PackArchive? = nil) {
        self.archive = archive
    }

    /// Gives the archive the engine in whose store it keeps packs.
    func connect(_ engine: Engine) { archive?.connect(engine) }

    /// Puts a pack in force in place of the one of the same name, in one step, once it is kept.
    ///
    /// - Parameter folder: Where it came from; it is then noted as the folder's last good pack.
    /// - Throws: ``EngineError`` if it cannot be kept for later: then the one before stays in force.
    public func activate(_ pack: RulePack, from folder: String? = nil) async throws {
        try await archive?.keep(pack.pack)
        if let folder { try await archive?.note(pack.pack, inForceFor: folder) }
        state.withLock { state in
            retire(pack.name, in: &state)
            state.retired[pack.version] = nil
            state.active[pack.name] = pack
            state.groups[pack.name] = folder
            state.known[pack.version] = pack
            state.changed()
        }
    }

    /// Takes a pack out of force; what began with it goes on.
    public func deactivate(_ name: String) {
        state.withLock { state in
            retire(name, in: &state)
            state.active[name] = nil
            state.groups[name] = nil
            state.changed()
        }
    }

    private func retire(_ name: String, in state: inout State) {
        if let former = state.active[name] { state.retired[former.version] = Date() }
    }

    /// Packs in force, in the order of their names.
    public var activePacks: [RulePack] {
        state.withLock { $0.active.values.sorted { $0.name < $1.name } }
    }

    // MARK: Troubles

    /// Folders whose pack can't be put in force as it is now, in the order of their paths.
    public var troubles: [PackTrouble] { state.withLock { $0.troubles.values.sorted { $0.folder < $1.folder } } }

    /// Notes what is wrong with a folder; nil once nothing is.
    func note(_ trouble: PackTrouble?, of folder: String) {
        state.withLock { $0.troubles[folder] = trouble }
    }

    /// Folders of whose pack no version is in force, and why.
    public var missing: [Awaited] {
        state.withLock { state in
            guard !state.troubles.isEmpty else { return [] }
            return state.troubles.values.filter { $0.pack == nil }.sorted { $0.folder < $1.folder }.map {
                Awaited(key: $0.folder, reason: "waits for the pack in \($0.folder), of which no version is in force")
            }
        }
    }

    // MARK: Looking up

    /// The packs in force, those that invocations began with since the start, and all that ever were in force.
    ///
    /// - Throws: ``EngineError``.
    func packNames() async throws -> Set<String> {
        let known = state.withLock { state in state.active.keys + state.known.values.map(\.name) }
        return Set(known).union(try await archive?.names() ?? [])
    }

    /// Rules in force for a trigger, arranged for matching.
    func index(for trigger: ConversationEvent.Kind) -> RuleIndex {
        let (known, packs, folders, edition) = state.withLock { state in
            (state.indexes[trigger], state.active, state.groups, state.edition)
        }
        if let known { return known }
        let index = RuleIndex(Array(packs.values), for: trigger, from: folders)
        state.withLock { state in
            if state.edition == edition { state.indexes[trigger] = index }
        }
        return index
    }

    /// Whether any rule in force asks whether a message is the conversation's first.
    var asksForFirst: Bool { state.withLock { $0.asksForFirst } }

    /// The pack of a version, in force or not; nil if it is nowhere.
    ///
    /// - Throws: ``EngineError`` if the store can't be read; ``RuleProblems`` or ``PackError`` if the kept one is damaged.
    func pack(version: String, loader: PackLoader) async throws -> RulePack? {
        if let pack = state.withLock({ $0.known[version] }) { return pack }
        guard let kept = try await archive?.pack(digest: version) else { return nil }
        let pack = try await loader.load(kept)
        state.withLock { state in
            if state.known.count >= state.active.count + Self.memoryLimit {
                state.known = Dictionary(state.active.values.map { ($0.version, $0) }, uniquingKeysWith: { $1 })
            }
            state.known[version] = pack
        }
        return pack
    }

    /// The pack that was last in force for a folder, in this process or one before.
    ///
    /// - Throws: As ``pack(version:loader:)``.
    func lastPack(from folder: String, loader: PackLoader) async throws -> RulePack? {
        guard let pack = try await archive?.lastPack(for: folder) else { return nil }
        return try await loader.load(pack)
    }

    /// Deletes kept packs that nothing needs any more.
    ///
    /// - Returns: How many.
    @discardableResult
    public func dropUnused() async throws -> Int {
        guard let archive else { return 0 }
        let needed = state.withLock { state in
            let time = Date().addingTimeInterval(-(Self.retirement / .seconds(1)))
            state.retired = state.retired.filter { $0.value > time }
            let active = state.active.values.map(\.version)
            // Others are read from the archive when they are asked for.
            state.known = state.known.filter { active.contains($0.key) || state.retired[$0.key] != nil }
            return Set(active).union(state.retired.keys)
        }
        return try await archive.dropUnused(except: needed, olderThan: Self.retirement)
    }
}
