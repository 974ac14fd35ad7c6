import Foundation
public import Packs
import Synchronization

/// The rules in force, and the packs that invocations under way began with.
public final class RuleBook: Sendable {
    private struct State {
        /// By pack name.
        var active: [String: RulePack] = [:]
        /// By version: all that were active since the start, or were asked for since.
        var known: [String: RulePack] = [:]
    }

    private let state = Mutex(State())
    private let archive: PackArchive?

    /// - Parameter archive: Where packs are kept for invocations that outlive this process; nil keeps none.
    public init(archive: PackArchive? = nil) {
        self.archive = archive
    }

    /// Puts a pack in force in place of the one of the same name, in one step.
    ///
    /// - Throws: ``PackError`` if it cannot be kept for later: then the one before stays in force.
    public func activate(_ pack: RulePack) throws(PackError) {
        try archive?.keep(pack.pack)
        state.withLock { state in
            state.active[pack.name] = pack
            state.known[pack.version] = pack
        }
    }

    /// Takes a pack out of force; what began with it goes on.
    public func deactivate(_ name: String) {
        state.withLock { state in
            state.active[name] = nil
        }
    }

    /// Packs in force, in the order of their names.
    public var activePacks: [RulePack] {
        state.withLock { $0.active.values.sorted { $0.name < $1.name } }
    }

    /// The packs in force, and those that invocations began with since the start or that are kept for them.
    var packNames: Set<String> {
        let known = state.withLock { state in state.active.keys + state.known.values.map(\.name) }
        return Set(known).union(archive?.names ?? [])
    }

    /// Rules in force for a trigger, in the order of their names, each with its pack.
    func rules(for trigger: ConversationEvent.Kind) -> [(pack: RulePack, rule: Rule)] {
        activePacks.flatMap { pack in
            pack.rules.filter { $0.trigger == trigger }.map { (pack: pack, rule: $0) }
        }
    }

    /// Whether any rule in force asks whether a message is the conversation's first.
    var asksForFirst: Bool {
        state.withLock { state in
            state.active.values.contains { $0.rules.contains { $0.filter.first != nil } }
        }
    }

    /// The pack of a version, in force or not; nil if it is nowhere.
    ///
    /// - Throws: ``RuleProblems`` or ``PackError`` if the kept one can't be read any more.
    func pack(version: String, loader: PackLoader) async throws -> RulePack? {
        if let pack = state.withLock({ $0.known[version] }) { return pack }
        guard let kept = try archive?.pack(digest: version) else { return nil }
        let pack = try await loader.load(kept)
        state.withLock { $0.known[version] = pack }
        return pack
    }
}
