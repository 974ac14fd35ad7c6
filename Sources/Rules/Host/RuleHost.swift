public import Conversations
public import DurableExecution
public import Foundation
public import Logging
import Lua
import Synchronization

/// What one run of a rule may use between two commands.
public struct RuleLimits: Sendable, Hashable {
    /// Processor time.
    public var cpu: Duration
    /// Time on the clock.
    public var wall: Duration
    /// Memory of a pack's state on one thread, in bytes.
    public var memoryBytes: Int
    /// Memory of all Lua states of the process together, in bytes; nil for no limit. The last host to be made sets it.
    public var processMemoryBytes: Int?

    public init(
        cpu: Duration = .milliseconds(250), wall: Duration = .seconds(10), memoryBytes: Int = 64 << 20,
        processMemoryBytes: Int? = nil
    ) {
        self.cpu = cpu
        self.wall = wall
        self.memoryBytes = memoryBytes
        self.processMemoryBytes = processMemoryBytes
    }

    var lua: LuaLimits {
        var limits = LuaLimits()
        limits.cpu = cpu
        limits.wall = wall
        limits.memoryBytes = memoryBytes
        return limits
    }
}

/// Settings of a ``RuleHost``.
public struct RuleHostConfiguration: Sendable, Hashable {
    /// Threads that run Lua, at least 1.
    public var shards: Int
    /// Whether nobody but this host changes metadata: then it needn't be read before each change.
    public var isOnlyMetadataWriter: Bool
    /// Whether media may be fetched from private and loopback addresses, to tell its kind.
    public var allowsPrivateMedia: Bool
    /// How long one try of a command may take, waiting for a turn at the metadata included.
    public var commandDeadline: Duration
    public var limits: RuleLimits
    /// Unless one is given, nothing blows a fuse.
    public var policy: PolicyConfiguration
    /// Whether effects on conversations are only noted, and answered as if they had happened.
    public var isDryRun: Bool
    /// Whether each run is rebuilt from its beginning at every command. For tests: it shows whatever a replay breaks.
    public var replaysAlways = false

    public init(
        shards: Int = 1, isOnlyMetadataWriter: Bool = false, allowsPrivateMedia: Bool = false,
        commandDeadline: Duration = .seconds(60), limits: RuleLimits = RuleLimits(),
        policy: PolicyConfiguration = PolicyConfiguration(fuses: .none), isDryRun: Bool = false
    ) {
        self.policy = policy
        self.isDryRun = isDryRun
        self.limits = limits
        self.commandDeadline = commandDeadline
        self.shards = shards
        self.isOnlyMetadataWriter = isOnlyMetadataWriter
        self.allowsPrivateMedia = allowsPrivateMedia
    }
}

/// Answers what the engine asks: which rules an event starts, how they run, and how their commands are performed.
public final class RuleHost: EventHandler {
    let book: RuleBook
    let api: any ConversationAPI
    private let loader: PackLoader
    private let shards: ShardPool
    private let preparation: EventPreparation
    let executor: CommandExecutor
    private let rehearsals: Rehearsals
    let contents = EventContents()
    private let replaysAlways: Bool
    let policy: Policy
    let link = EngineLink()
    private let logger: Logger
    private let clock: any Clock<Duration>
    private let commandDeadline: Duration
    private let catchUp = Mutex<(@Sendable (Conversation.ID) async throws -> Void)?>(nil)

    /// - Parameters:
    ///   - media: Tells what an attachment is whose name doesn't say so.
    ///   - now: The wall time, by which rules tell the time too.
    public init(
        api: any ConversationAPI, book: RuleBook, loader: PackLoader, media: any MediaInspecting,
        configuration: RuleHostConfiguration, clock: any Clock<Duration> = ContinuousClock(),
        now: @escaping @Sendable () -> Date = { Date() }, logger: Logger
    ) {
        self.book = book
        self.clock = clock
        commandDeadline = configuration.commandDeadline
        self.loader = loader
        self.logger = logger
        LuaLimits.setMemoryCeiling(configuration.limits.processMemoryBytes)
        shards = ShardPool(count: configuration.shards, limits: configuration.limits.lua)
        replaysAlways = configuration.replaysAlways
        let api = configuration.isDryRun ? DryRunAPI(api) : api
        self.api = api
        let metadata = MetadataWriter(api: api, isOnlyWriter: configuration.isOnlyMetadataWriter, now: now)
        let policy = Policy(
            configuration.policy, api: api, contents: contents, link: link, now: now, logger: logger)
        self.policy = policy
        let search = EffectSearch(api: api, contents: contents, link: link)
        // A dry run leaves the metadata as they are, so there is nothing to keep about them.
        let ledger = MetadataLedger(link: configuration.isDryRun ? nil : link)
        executor = CommandExecutor(
            api: api, metadata: metadata, ledger: ledger, policy: policy, search: search,
            isDryRun: configuration.isDryRun, now: now)
        rehearsals = Rehearsals {
            let api = DryRunAPI(api)
            let metadata = MetadataWriter(api: api, isOnlyWriter: false, now: now)
            return CommandExecutor(
                api: api, metadata: metadata, ledger: MetadataLedger(link: nil), policy: policy,
                search: search, isDryRun: true, now: now)
        }
        preparation = EventPreparation(
            api: api, metadata: metadata, media: media, startedAt: now(), now: now,
            note: { try await policy.note($0) })
    }

    public func prepare(_ event: Event, claims: any IdentityClaims) async throws -> Preparation {
        try await preparation.prepare(
            event, claims: claims, asksForFirst: book.asksForFirst, known: try? contents.content(of: event))
    }

    /// The conversations API, unless the event says all that is needed.
    public func upstream(preparing event: Event) -> String? {
        guard let content = try? contents.content(of: event),
            preparation.asksAPI(about: content, event, asksForFirst: book.asksForFirst)
        else { return nil }
        return RuleCommand.upstream
    }

    public func match(_ event: Event) async throws -> Matching {
        let content = try contents.content(of: event)
        let shard = shards.shard(for: event.queue)
        var matching = Matching()
        for (pack, rule) in book.rules(for: content.kind) {
            var refusal =
                rule.filter.refusal(of: content) ?? Self.refusalOfEcho(content, event, by: rule)
                ?? policy.refusal(of: rule.name, pack: pack.name, number: content.conversation.number)
            if refusal == nil, rule.filter.patterns != nil || rule.hasMatches {
                refusal = await shard.refusal(of: content, by: rule, of: pack)
            }
            if let refusal {
                matching.refusals.append(Refusal(rule: rule.name, reason: refusal))
            } else {
                matching.starts.append(Start(rule: rule.name, version: pack.version, mode: rule.mode))
            }
        }
        return matching
    }

    /// A message that this host sent is seen again by polling: a rule that answered it would go on for ever.
    private static func refusalOfEcho(_ content: ConversationEvent, _ event: Event, by rule: Rule) -> String? {
        guard content.kind == .message, content.direction == .outbound, let cause = event.cause, !rule.filter.own
        else { return nil }
        return "this host sent it, in run \(cause); own = true in `when` lets such messages in"
    }

    public func program(for invocation: Invocation, event: Event) async throws -> any Program {
        let pack: RulePack?
        do {
            pack = try await book.pack(version: invocation.version, loader: loader)
        } catch {
            throw EngineFailure("the pack that \(invocation.rule) began with can't be read: \(error)", retryable: false)
        }
        guard let pack, let rule = pack.rules.first(where: { $0.name == invocation.rule }) else {
            throw EngineFailure(
                "the version of \(invocation.rule) that this began with is gone (\(invocation.version.prefix(12)))",
                retryable: false)
        }
        let content = try contents.content(of: event)
        let shard = shards.shard(for: event.queue)
        let make: @Sendable () -> RuleProgram = { [policy] in
            RuleProgram(
                rule, of: pack, event: content, seed: Self.seed(invocation.id), on: shard,
                stopped: { await policy.stopped(invocation.id, of: rule.name) })
        }
        return replaysAlways ? ReplayingProgram(make) : make()
    }

    public func offer(_ event: Event, to waiting: Waiting) async throws -> Data? {
        guard let request = try? WaitRequest(JSONValue(parsing: waiting.input)) else { return nil }
        let content = try contents.content(of: event)
        guard request.admits(content) else { return nil }
        if let patterns = request.patterns(for: content) {
            let shard = shards.shard(for: event.queue)
            guard (try? await shard.matches(patterns, content.text)) == true else { return nil }
        }
        return event.payload
    }

    /// Sets what fetches a conversation's messages because a wait in it fell due while nothing ran.
    public func setCatchUp(_ catchUp: @escaping @Sendable (Conversation.ID) async throws -> Void) {
        self.catchUp.withLock { $0 = catchUp }
    }

    public func upstream(catchingUp queue: String) -> String? { RuleCommand.upstream }

    public func catchUp(_ queue: String) async throws {
        guard let catchUp = catchUp.withLock({ $0 }) else { return }
        do {
            try await catchUp(Conversation.ID(queue))
        } catch let error as APIError {
            throw EngineFailure(error)
        }
    }

    public func permit(_ command: Command, in context: CommandContext) async throws {
        guard let kind = RuleCommand(rawValue: command.name), kind.isEffect, kind != .showTyping else { return }
        try await policy.admit(kind, try JSONValue(parsing: command.input), in: context)
    }

    public func rehearse(_ command: Command, in context: CommandContext) async throws -> Data {
        try await rehearsals.executor(for: context).perform(command, in: context)
    }

    public func perform(_ command: Command, in context: CommandContext) async throws -> Data {
        let executor = context.isRehearsal ? rehearsals.executor(for: context) : executor
        return try await withThrowingTaskGroup(of: Data?.self) { group in
            group.addTask { try await executor.perform(command, in: context) }
            group.addTask { [clock, commandDeadline] in
                try await clock.sleep(for: commandDeadline)
                return nil
            }
            defer { group.cancelAll() }
            while let outcome = try await group.next() {
                if let outcome { return outcome }
                group.cancelAll()
                do {
                    _ = try await group.next()
                } catch let failure as CommandFailure where failure.hold != nil {
                    // It waited for its turn, and was not even begun.
                    throw failure
                } catch {}
                throw outlasted(command)
            }
            throw CancellationError()
        }
    }

    private func outlasted(_ command: Command) -> CommandFailure {
        CommandFailure(
            code: "deadline",
            message: "\(command.name) took longer than \(commandDeadline) (limits.command_deadline)",
            retryable: command.effect != .once, outcomeUnknown: command.effect == .once, upstreamDown: true)
    }

    /// Lets go of Lua states whose packs are no longer in force.
    public func retireStates() async {
        await shards.retire(except: Set(book.activePacks.map(\.version)))
    }

    /// FNV-1a, 64 bits: equal ids give equal seeds, in every process. Source: RFC 9923.
    private static func seed(_ id: String) -> UInt64 {
        id.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    /// Looks whether a send or reaction whose outcome is unknown took place.
    public func lookFor(_ command: Command, in context: CommandContext) async throws -> Data? {
        guard let kind = RuleCommand(rawValue: command.name) else { return nil }
        return try await executor.search.outcome(
            of: kind, try JSONValue(parsing: command.input), in: context)?.text()
    }

    public func pauseSubject(of rule: String) -> String? { PauseSubject.rule(rule) }

    /// The message that a send led to: a poll sees it too.
    public func produces(_ command: Command, outcome: Data) -> [String] {
        guard RuleCommand(rawValue: command.name) == .send,
            let id = (try? JSONValue(parsing: outcome))?["id"]?.string
        else { return [] }
        return [EventIdentity.message(Message.ID(id))]
    }

    /// An event that is too old for rules still says whether its sender may be written to.
    public func expired(_ event: Event) async throws {
        try await policy.note(try contents.content(of: event))
    }
}
