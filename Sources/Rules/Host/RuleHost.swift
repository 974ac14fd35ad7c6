public import Conversations
public import DurableExecution
public import Foundation
public import Logging
import Lua
import Synchronization

/// What one run of a rule may use between two commands, and what of runs is kept in memory.
public struct RuleLimits: Sendable, Hashable {
    /// Processor time.
    public var cpu: Duration
    /// Time on the clock.
    public var wall: Duration
    /// Memory of a pack's state on one thread, in bytes.
    public var memoryBytes: Int
    /// Memory of all Lua states of the process together, in bytes; nil for no limit. The last host to be made sets it.
    public var processMemoryBytes: Int?
    /// What the Lua states in which waiting runs are kept may hold together, in bytes; past it they are dropped, and
    /// rebuilt from their journals.
    public var keptMemoryBytes: Int
    /// Processor time of one search for a pattern of a filter or a wait.
    public var pattern: Duration
    /// Lines that a run may log between two commands, and bytes.
    public var stepLogLines: Int
    public var stepLogBytes: Int

    public init(
        cpu: Duration = .milliseconds(250), wall: Duration = .seconds(10), memoryBytes: Int = 64 << 20,
        processMemoryBytes: Int? = nil, keptMemoryBytes: Int = 64 << 20, stepLogLines: Int = 200,
        stepLogBytes: Int = 64 << 10, pattern: Duration = .milliseconds(25)
    ) {
        self.pattern = pattern
        self.cpu = cpu
        self.wall = wall
        self.memoryBytes = memoryBytes
        self.processMemoryBytes = processMemoryBytes
        self.keptMemoryBytes = keptMemoryBytes
        self.stepLogLines = stepLogLines
        self.stepLogBytes = stepLogBytes
    }

    var log: LogBuffer.Limits { LogBuffer.Limits(lines: stepLogLines, bytes: stepLogBytes) }

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
    /// Whether a reaction that is added twice is one, so that one that may have been added is added again.
    public var repeatsReactions = false
    /// Whether effects on conversations are only noted, and answered as if they had happened.
    public var isDryRun: Bool
    /// Whether each run is rebuilt from its beginning at every command. For tests: it shows whatever a replay breaks.
    public var replaysAlways = false
    /// Asked of each waiting run that goes on, whether it is to be rebuilt though it was kept. For tests.
    var forgets: KeptRunLottery?

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
    let waitRequests = WaitRequests()
    private let replaysAlways: Bool
    /// Whether nothing is changed at the API.
    let isDryRun: Bool
    private let forgets: KeptRunLottery?
    let policy: Policy
    private let rates: RatePolicy
    let link = EngineLink()
    private let logger: Logger
    let clock: any Clock<Duration>
    let commandDeadline: Duration
    let repeatsReactions: Bool
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
        repeatsReactions = configuration.repeatsReactions
        self.loader = loader
        self.logger = logger
        LuaLimits.setMemoryCeiling(configuration.limits.processMemoryBytes)
        shards = ShardPool(count: configuration.shards, limits: configuration.limits)
        replaysAlways = configuration.replaysAlways
        forgets = configuration.forgets
        isDryRun = configuration.isDryRun
        let api = isDryRun ? DryRunAPI(api) : api
        self.api = api
        let metadata = MetadataWriter(api: api, isOnlyWriter: configuration.isOnlyMetadataWriter, now: now)
        let policy = Policy(
            configuration.policy, api: api, contents: contents, link: link, now: now, logger: logger)
        self.policy = policy
        rates = RatePolicy(configuration.policy.fuses, contents: contents, link: link, now: now, logger: logger)
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
        // Asked before the rules: a pack that comes into force in between is asked again.
        let missing = book.missing
        let index = book.index(for: content.kind)
        // In its second turn, an event is for packs that were missing in its first.
        let isFor: (String?) -> Bool = { folder in event.awaits.map { $0.keys.contains(folder ?? "") } ?? true }
        let sight = index.look(at: content)
        var matching = Matching(awaits: missing.filter { isFor($0.key) })
        var refused: [(rank: Int, refusal: Refusal)] = []
        for place in sight.admitted where isFor(index.entries[place].folder) {
            let entry = index.entries[place]
            let rule = entry.rule
            if let reason = await refusal(of: content, event, by: rule, of: entry.pack) {
                refused.append((entry.rank, Refusal(rule: rule.name, reason: reason)))
            } else {
                matching.starts.append(
                    Start(rule: rule.name, version: entry.pack.version, mode: rule.mode, group: entry.folder))
            }
        }
        if event.awaits == nil, sight.refused.count > Self.refusalLimit {
            matching.rest = sight.refused.grouped(in: index.list)
        } else {
            refused += index.refusals(sight.refused) { isFor($0.folder) }
        }
        matching.refusals = refused.sorted { $0.rank < $1.rank }.map(\.refusal)
        return matching
    }

    /// How many refusals by filters are kept one by one.
    private static let refusalLimit = 64

    /// Why a rule is not to start though its filter lets the event pass, as far as that is judged without Lua.
    private func refusal(
        of content: ConversationEvent, _ event: Event, by rule: Rule, of pack: RulePack
    ) async -> String? {
        let reason =
            Self.refusalOfEcho(content, event, by: rule)
            ?? policy.refusal(of: rule.name, pack: pack.name, number: content.conversation.number)
        guard reason == nil, rule.filter.patterns != nil || rule.hasMatches else { return reason }
        let judgment = await shards.shard(for: event.queue).judge(content, by: rule, of: pack)
        // What a person replays says nothing about what comes in.
        if judgment.wasStopped, event.source != Engine.replaySource {
            await policy.stopped("event \(event.sequence)", of: rule.name)
        }
        return judgment.refusal
    }

    /// A message that this host sent is seen again by polling: a rule that answered it would go on for ever.
    private static func refusalOfEcho(_ content: ConversationEvent, _ event: Event, by rule: Rule) -> String? {
        guard content.kind == .message, content.direction == .outbound, let cause = event.cause, !rule.filter.own
        else { return nil }
        return "this host sent it, in run \(cause); own = true in `when` lets such messages in"
    }

    public func program(for invocation: Invocation, event: Event) async throws -> any Program {
        try await program(for: invocation, event: event) { [policy] in
            await policy.stopped(invocation.id, of: invocation.rule)
        }
    }

    public func rehearsalProgram(for invocation: Invocation, event: Event) async throws -> any Program {
        try await program(for: invocation, event: event, stopped: {})
    }

    /// - Parameter stopped: Called if the program used up a limit.
    private func program(
        for invocation: Invocation, event: Event, stopped: @escaping @Sendable () async -> Void
    ) async throws -> any Program {
        let pack: RulePack?
        do {
            pack = try await book.pack(version: invocation.version, loader: loader)
        } catch {
            throw EngineFailure(
                "the pack that \(invocation.rule) began with can't be read: \(error)",
                retryable: (error as? EngineError)?.code == .unavailable)
        }
        guard let pack, let rule = pack.rule(named: invocation.rule) else {
            throw EngineFailure(
                "the version of \(invocation.rule) that this began with is gone (\(invocation.version.prefix(12)))",
                retryable: false)
        }
        let content = try contents.content(of: event)
        let shard = shards.shard(for: event.queue)
        var hooks = RuleProgram.Hooks(stopped: stopped, freeMemory: { [shards] in await shards.freeMemory() })
        if let forgets { hooks.forgets = { forgets.draw() } }
        let make: @Sendable () -> RuleProgram = { [hooks] in
            RuleProgram(
                rule, of: pack, event: content, seed: Self.seed(invocation.id), on: shard, hooks: hooks)
        }
        return replaysAlways ? ReplayingProgram(make) : make()
    }

    public func offer(_ event: Event, to waiting: Waiting) async throws -> Data? {
        let isSend = waiting.name == RuleCommand.send.rawValue
        let asked = isSend ? (try? JSONValue(parsing: waiting.input))?[SendRequest.unlessReply] : nil
        let request = isSend ? asked.flatMap { try? WaitRequest($0) } : waitRequests.request(waiting.input)
        guard let request else { return nil }
        let content = try contents.content(of: event)
        guard request.admits(content) else { return nil }
        if let patterns = request.patterns(for: content) {
            let shard = shards.shard(for: event.queue)
            do {
                guard try await shard.matches(patterns, content.text) else { return nil }
            } catch {
                if (error as? LuaError)?.limit != nil { await policy.stopped(waiting.invocation, of: waiting.rule) }
                return nil
            }
        }
        return isSend ? Data("null".utf8) : event.payload
    }

    public func stopped(_ invocation: Invocation, of event: Event, because failure: ProgramFailure) async {
        await policy.stopped(invocation.id, of: invocation.rule)
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
        guard let kind = RuleCommand(rawValue: command.name) else { return }
        let input = try JSONValue(parsing: command.input)
        if kind.isEffect, kind != .showTyping { try await policy.admit(kind, input, in: context) }
        try await rates.admit(kind, input, in: context)
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

    public func pauseSubject(of rule: String) -> String? { PauseSubject.rule(rule) }

    /// The message that a send led to: a poll sees it too.
    public func produces(_ command: Command, outcome: Data) -> [String] {
        guard RuleCommand(rawValue: command.name) == .send,
            let id = (try? JSONValue(parsing: outcome))?["id"]?.string
        else { return [] }
        return [EventIdentity.message(Message.ID(id))]
    }

    public func kept(_ facts: [Fact]) async { await policy.learn(facts) }

    /// An event that is too old for rules still says whether its sender may be written to.
    public func facts(in event: Event) async -> [Fact] {
        guard let content = try? contents.content(of: event), let word = OptOutWord(content, optOutWords),
            let fact = try? word.fact()
        else { return [] }
        return [fact]
    }
}
