import Conversations
import DurableExecution
import Foundation
import Synchronization

/// What this host last did to a conversation's metadata, as far as commands that are tried again have to know it.
///
/// The API has no versions, so a count whose answer was lost can be told from one that never arrived only by the value
/// that is there, and only until somebody else writes. So the plan of the latest count is kept beside the conversation, in
/// the transaction that keeps it in the journal. Whoever writes next, and finds that nobody knows what became of it, looks
/// and keeps what it saw before writing. Both outlive the process.
final class MetadataLedger: Sendable {
    /// What a count is about to write.
    struct Plan: Sendable, Hashable, Codable {
        /// Tells it from all others; nil for one that was journaled before plans had one.
        var id: String?
        var key: String?
        var base: JSONValue
        var target: JSONValue

        /// Whether `value` is what the count leads to, and not where it began.
        func isApplied(in value: JSONValue) -> Bool { value == target && base != target }
    }

    /// The latest plan for a conversation, and whose it is.
    fileprivate struct Latest: Codable {
        var plan: Plan
        var effect: FuseBox.Effect
    }

    /// What became of a plan.
    fileprivate struct Settlement {
        /// The plan's id.
        var plan: String
        var isApplied: Bool

        var value: Data { Data((isApplied ? "true" : "false").utf8) }
    }

    /// A plan on its way to being the latest of its conversation.
    struct Succession {
        fileprivate var conversation: Conversation.ID
        fileprivate var latest: Latest
        fileprivate var note: Data
        fileprivate var settlement: Settlement?

        /// What is to be written before the plan is carried out.
        var operations: [StoreOperation] {
            let scope = MetadataLedger.scope(conversation)
            let latest = StoreOperation.set(scope: scope, key: latestKey, value: note, ttl: life)
            return (settlement.map { [.set(scope: scope, key: $0.plan, value: $0.value, ttl: life)] } ?? []) + [latest]
        }
    }

    /// Which keys others wrote after a command was asked for.
    struct Overtaken: Sendable, Hashable {
        var keys: Set<String> = []
        /// Whether all of them were replaced.
        var isWhole = false
    }

    /// A change that this process made.
    private struct Written {
        var invocation: String
        var turn: Turn
        /// Nil for all of them.
        var keys: Set<String>?
    }

    private struct State {
        /// By conversation; nil inside where there is none.
        var latest: [Conversation.ID: Latest?] = [:]
        var settled: [String: Bool] = [:]
        var written: [Conversation.ID: [Written]] = [:]
        /// As they are kept.
        var visits: [Conversation.ID: MetadataVisits] = [:]

        mutating func remember(_ settlement: Settlement) {
            if settled.count >= MetadataLedger.memoryLimit { settled = [:] }
            settled[settlement.plan] = settlement.isApplied
        }
    }

    /// How long it is known what became of a count: as long as identities are.
    private static let life = Duration.seconds(90 * 24 * 3600)
    /// Conversations, and counts, that are remembered; past it they are read again.
    private static let memoryLimit = 10_000
    /// Changes of one conversation that are remembered.
    private static let changeLimit = 16
    /// Runs of a conversation that are looked through for changes of an earlier process, newest first.
    private static let searchDepth = 200

    private let link: EngineLink?
    private let state = Mutex(State())

    /// - Parameter link: Where it is kept; nil for what leaves the metadata as they are, so that nothing is to be kept.
    init(link: EngineLink?) { self.link = link }

    /// Where what concerns a conversation is kept. Packs are named `org/pack`, so none is named like this.
    static func scope(_ id: Conversation.ID) -> String { "#metadata:" + id.rawValue }

    private static let latestKey = "latest"
    private static let visitsKey = "visits"

    /// What was kept about these conversations was erased.
    func forget(_ ids: some Sequence<Conversation.ID>) {
        state.withLock { state in
            for id in ids {
                state.latest[id] = nil
                state.written[id] = nil
                state.visits[id] = nil
            }
        }
    }

    // MARK: Counts

    /// What became of a plan; nil if nobody had to find out.
    func outcome(of plan: Plan, in id: Conversation.ID) async throws(EngineError) -> Bool? {
        guard let name = plan.id else { return nil }
        if let known = state.withLock({ $0.settled[name] }) { return known }
        guard let data = try await engine?.storedValue(scope: Self.scope(id), key: name) else { return nil }
        return data == Data("true".utf8)
    }

    /// What has to be kept together with a new plan, so that what became of the one before stays known.
    func succession(
        of plan: Plan, by effect: FuseBox.Effect, in id: Conversation.ID, _ present: Metadata
    ) async throws -> Succession {
        let latest = Latest(plan: plan, effect: effect)
        return Succession(
            conversation: id, latest: latest, note: try JSON.encode(latest),
            settlement: try await settlement(in: id, before: effect) { present })
    }

    /// A succession's operations were kept.
    func kept(_ succession: Succession) {
        state.withLock { state in
            if state.latest.count >= Self.memoryLimit { state.latest = [:] }
            state.latest[succession.conversation] = .some(succession.latest)
            if let settlement = succession.settlement { state.remember(settlement) }
        }
    }

    /// Makes sure that what became of the latest count stays known though `change` hides it.
    func settle(
        before change: MetadataChange, by effect: FuseBox.Effect, in id: Conversation.ID,
        present: @Sendable () async throws -> Metadata
    ) async throws {
        guard let latest = try await latest(in: id), change.touches(latest.plan.key ?? ""),
            let settlement = try await settlement(in: id, before: effect, present: present)
        else { return }
        try await engine?.setStoredValue(
            scope: Self.scope(id), key: settlement.plan, to: settlement.value, ttl: Self.life)
        state.withLock { $0.remember(settlement) }
    }

    /// What is to be kept about the latest count, if it isn't known what became of it.
    private func settlement(
        in id: Conversation.ID, before effect: FuseBox.Effect, present: @Sendable () async throws -> Metadata
    ) async throws -> Settlement? {
        guard let latest = try await latest(in: id), let name = latest.plan.id, let key = latest.plan.key,
            // A command's own former try, or one before it in its run, whose outcome is on disk before this one's plan.
            latest.effect.invocation != effect.invocation, try await outcome(of: latest.plan, in: id) == nil,
            try await !isConcluded(latest.effect)
        else { return nil }
        return Settlement(plan: name, isApplied: latest.plan.isApplied(in: try await present()[key] ?? .null))
    }

    /// Whether a command's success is on disk, so that it is never tried again; or nothing of it is.
    private func isConcluded(_ effect: FuseBox.Effect) async throws(EngineError) -> Bool {
        guard let entries = try await engine?.journal(ofInvocation: effect.invocation) else { return false }
        return entries.first { $0.position == effect.position }.map { $0.state == .succeeded } ?? true
    }

    private func latest(in id: Conversation.ID) async throws -> Latest? {
        if let known = state.withLock({ $0.latest[id] }) { return known }
        let data = try await engine?.storedValue(scope: Self.scope(id), key: Self.latestKey)
        // What can't be read was written by a later version; a count is then decided by the value alone.
        let latest = data.flatMap { try? JSON.decode(Latest.self, from: $0) }
        state.withLock { state in
            if state.latest.count >= Self.memoryLimit { state.latest = [:] }
            state.latest[id] = .some(latest)
        }
        return latest
    }

    private var engine: Engine? { link?.engine }

    // MARK: Order

    /// A change got through.
    func wrote(_ change: MetadataChange, in id: Conversation.ID, _ context: CommandContext) {
        let written = Written(invocation: context.invocation.id, turn: Turn(context), keys: change.keys)
        state.withLock { state in
            if state.written.count >= Self.memoryLimit, state.written[id] == nil { state.written = [:] }
            state.written[id, default: []].append(written)
            if let count = state.written[id]?.count, count > Self.changeLimit {
                state.written[id]?.removeFirst(count - Self.changeLimit)
            }
        }
    }

    /// What is to be kept before a run of another conversation changes this one's metadata: its journal is not among those
    /// that are looked through for changes of this conversation. Empty for runs of its own.
    ///
    /// Once that is kept, ``kept(_:in:)`` is to be told.
    func visit(
        _ change: MetadataChange, in id: Conversation.ID, _ context: CommandContext
    ) async throws -> (visits: MetadataVisits, operations: [StoreOperation])? {
        guard let engine, context.invocation.queue != id.rawValue else { return nil }
        var visits = try await self.visits(to: id, engine)
        visits.add(MetadataVisits.Visit(turn: Turn(context), effect: FuseBox.Effect(context)), to: change.keys)
        let note = StoreOperation.set(
            scope: Self.scope(id), key: Self.visitsKey, value: try JSON.encode(visits), ttl: Self.life)
        return (visits, [note])
    }

    func kept(_ visits: MetadataVisits, in id: Conversation.ID) {
        state.withLock { state in
            if state.visits.count >= Self.memoryLimit { state.visits = [:] }
            state.visits[id] = visits
        }
    }

    private func visits(to id: Conversation.ID, _ engine: Engine) async throws(EngineError) -> MetadataVisits {
        if let known = state.withLock({ $0.visits[id] }) { return known }
        let data = try await engine.storedValue(scope: Self.scope(id), key: Self.visitsKey)
        // What can't be read was written by a later version.
        let visits = data.flatMap { try? JSON.decode(MetadataVisits.self, from: $0) } ?? MetadataVisits()
        kept(visits, in: id)
        return visits
    }

    /// What others, asked later, wrote before a command that comes late: it must leave that as it is.
    func overtaken(_ context: CommandContext, in id: Conversation.ID) async throws(EngineError) -> Overtaken {
        guard context.isLate else { return Overtaken() }
        let (own, turn) = (context.invocation.id, Turn(context))
        var overtaken = Overtaken()
        for written in state.withLock({ $0.written[id] ?? [] }) where turn < written.turn && written.invocation != own {
            overtaken.add(written.keys)
        }
        guard let engine else { return overtaken }
        for (keys, visit) in try await visits(to: id, engine).all
        where turn < visit.turn && visit.effect.invocation != own {
            if try await isConcluded(visit.effect) { overtaken.add(keys) }
        }
        var filter = InvocationFilter()
        filter.queue = id.rawValue
        filter.limit = Self.searchDepth
        // The clock may have been set back before a later event's run.
        for run in try await engine.invocations(filter)
        where (run.updatedAt >= context.askedAt || run.event > context.invocation.event) && run.id != own {
            for entry in try await engine.journal(ofInvocation: run.id)
            where entry.state == .succeeded && turn < Turn(entry) {
                guard let change = MetadataChange(entry, in: id) else { continue }
                overtaken.add(change.keys)
            }
        }
        return overtaken
    }
}

extension MetadataLedger {
    /// When a command was asked for.
    struct Turn: Sendable, Hashable, Codable {
        /// ``DurableExecution/JournalEntry/asked``
        var asked: Int64
        var at: Date

        init(_ context: CommandContext) { (asked, at) = (context.asked, context.askedAt) }
        init(_ entry: JournalEntry) { (asked, at) = (entry.asked, entry.intendedAt) }

        static func < (left: Turn, right: Turn) -> Bool {
            // Those of earlier versions have only a time.
            left.asked > 0 && right.asked > 0 ? left.asked < right.asked : left.at < right.at
        }
    }
}

/// What a command does to a conversation's metadata.
enum MetadataChange: Sendable, Hashable {
    case set([String: JSONValue])
    case remove(Set<String>)
    case count(String)
    /// Replaces all of them; nil clears them.
    case replace(Metadata?)

    init(_ kind: RuleCommand, _ input: JSONValue) {
        switch kind {
        case .tag: self = .set(input["fields"]?.members ?? [:])
        case .untag: self = .remove(Set(input["keys"]?.strings ?? []))
        case .increment: self = .count(input["key"]?.string ?? "")
        case .setMetadata: self = .replace(input["metadata"]?.members ?? [:])
        default: self = .replace(nil)
        }
    }

    /// Nil if the entry changed nothing in this conversation.
    init?(_ entry: JournalEntry, in id: Conversation.ID) {
        guard let kind = RuleCommand(rawValue: entry.name), kind.changesMetadata,
            let input = try? JSONValue(parsing: entry.input), input.conversationID == id
        else { return nil }
        self.init(kind, input)
    }

    /// The keys that it names; nil if it concerns all.
    var keys: Set<String>? {
        switch self {
        case .set(let fields): Set(fields.keys)
        case .remove(let keys): keys
        case .count(let key): [key]
        case .replace: nil
        }
    }

    func touches(_ key: String) -> Bool { keys?.contains(key) ?? true }

    /// The metadata after the change, where `kept` stays as it is; nil where nothing changes.
    func applied(
        to present: @Sendable () async throws -> Metadata, leaving kept: MetadataLedger.Overtaken
    ) async throws -> ConversationUpdate.Field<Metadata>? {
        guard !kept.isWhole else { return nil }
        switch self {
        case .set(let fields):
            let fields = fields.filter { !kept.keys.contains($0.key) }
            guard !fields.isEmpty || kept.keys.isEmpty else { return nil }
            return .replaced(try await present().merging(fields, uniquingKeysWith: { $1 }))
        case .remove(let keys):
            let present = try await present()
            let target = present.filter { !keys.contains($0.key) || kept.keys.contains($0.key) }
            return target.count == present.count ? nil : .replaced(target)
        case .replace(let metadata):
            guard !kept.keys.isEmpty else { return metadata.map { .replaced($0) } ?? .cleared }
            let given = (metadata ?? [:]).filter { !kept.keys.contains($0.key) }
            let others = try await present().filter { kept.keys.contains($0.key) }
            let target = given.merging(others, uniquingKeysWith: { $1 })
            return metadata == nil && target.isEmpty ? .cleared : .replaced(target)
        case .count:
            return nil
        }
    }
}

extension MetadataLedger.Overtaken {
    /// - Parameter others: Nil for all.
    fileprivate mutating func add(_ others: Set<String>?) {
        if let others { keys.formUnion(others) } else { isWhole = true }
    }
}

extension RuleCommand {
    fileprivate var changesMetadata: Bool {
        switch self {
        case .tag, .untag, .increment, .setMetadata, .clearMetadata: true
        default: false
        }
    }
}

extension FuseBox.Effect {
    init(_ context: CommandContext) {
        self.init(invocation: context.invocation.id, position: context.position)
    }
}
