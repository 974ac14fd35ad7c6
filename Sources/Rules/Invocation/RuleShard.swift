import DurableExecution
import Foundation
import Lua

/// One thread with its own Lua states, one per pack version, made when first needed.
///
/// Conversations are dealt out to shards, so that nothing in a state is ever shared or locked.
actor RuleShard: LuaThreadActor {
    typealias Handle = Int

    /// What came of letting a script run to its next stop.
    struct Step: Sendable {
        var logs: [LogLine]
        var step: LuaStep
        /// Whether the script needs memory that runs at rest hold somewhere in the process; see
        /// ``ShardPool/freeMemory()``.
        var needsMemory = false
    }

    final class PackState {
        let lua: LuaState
        let log: LogBuffer
        var invocations = 0
        /// Those of them that wait, and can be dropped.
        var resting: Set<Handle> = []

        init(_ pack: RulePack, _ limits: RuleLimits) throws {
            log = LogBuffer(limits.log)
            lua = try LuaState(RuleEnvironment.make(for: pack.pack, log: log, limits: limits.lua))
        }
    }

    private struct Running {
        var invocation: LuaInvocation
        var version: String
        /// Not looked up by the version: a state that broke is replaced while others still run in it.
        var state: PackState
    }

    nonisolated let luaThread: LuaThread
    private let limits: RuleLimits
    private let memory: RestingMemory
    private var states: [String: PackState] = [:]
    private var running: [Handle: Running] = [:]
    private var lastHandle = 0
    /// Without any pack, for the patterns of filters and waits.
    private var patterns: LuaState?
    /// Versions in force; others' states go once nothing runs in them.
    private var current: Set<String> = []

    init(name: String, limits: RuleLimits = RuleLimits(), memory: RestingMemory) {
        self.limits = limits
        self.memory = memory
        luaThread = LuaThread(name: name)
    }

    deinit {
        luaThread.shutdown()
    }

    /// Starts a rule and lets it run to its first command or its end.
    ///
    /// - Throws: ``LuaError`` if the rule's file can't be compiled, ``PackError`` if it can't be read.
    func begin(
        _ rule: Rule, of pack: RulePack, argument: LuaValue, seed: UInt64, allowance: LuaAllowance = .renewed()
    ) throws -> (Handle, Step) {
        let state = try state(for: pack)
        let invocation = try state.lua.begin(
            pack.source(of: rule.path), field: "run", arguments: [argument], seed: seed)
        lastHandle += 1
        running[lastHandle] = Running(invocation: invocation, version: pack.version, state: state)
        state.invocations += 1
        return (lastHandle, resume(lastHandle, .begin, allowance))
    }

    /// Lets a script run on to its next command or its end.
    func resume(_ handle: Handle, _ input: LuaInput, _ allowance: LuaAllowance = .renewed()) -> Step {
        guard let script = running[handle] else {
            return Step(logs: [], step: .failed(LuaError(code: .runtime, message: "the run is not in memory any more")))
        }
        _ = script.state.log.drain()
        script.state.lua.offer(reserves(of: script.state))
        let step = script.invocation.resume(input, allowance: allowance)
        return settle(Step(logs: script.state.log.drain(), step: step), in: script.state)
    }

    /// Forgets a script, wherever it stands.
    func end(_ handle: Handle) {
        guard let script = running.removeValue(forKey: handle) else { return }
        wake(handle, in: script.state)
        script.invocation.cancel()
        script.state.invocations -= 1
        guard script.state.invocations == 0, !current.contains(script.version),
            states[script.version] === script.state
        else { return }
        states[script.version] = nil
    }

    /// Says which versions are in force, so that others' states can go.
    func retire(except versions: Set<String>) {
        current = versions
        states = states.filter { versions.contains($0.key) || $0.value.invocations > 0 }
    }

    private func state(for pack: RulePack) throws -> PackState {
        if let state = states[pack.version], !state.lua.isBroken { return state }
        let state = try PackState(pack, limits)
        states[pack.version] = state
        return state
    }
}

// MARK: Resting

extension RuleShard {
    /// Keeps a script that waits, until ``wake(_:)``, unless memory is short: then it is to be ended.
    func rest(_ handle: Handle) -> Bool {
        guard let script = running[handle], !script.state.lua.isBroken else { return false }
        let state = script.state
        if !admits(state) {
            // Packs that are no longer in force first, then this one, whose memory is known to be too much.
            for other in states where !current.contains(other.key) && other.value !== state {
                dropResting(in: other.value)
            }
            if !admits(state) {
                guard !state.resting.isEmpty else { return false }
                dropResting(in: state)
                guard admits(state) else { return false }
            }
        }
        state.resting.insert(handle)
        return true
    }

    /// Whether a script that rested is still there; then it can be resumed.
    func wake(_ handle: Handle) -> Bool {
        guard let script = running[handle], !script.state.lua.isBroken else { return false }
        wake(handle, in: script.state)
        return true
    }

    /// Drops the scripts that rest on this thread.
    func freeMemory() {
        for state in Set(running.values.map { StateReference(state: $0.state) }) {
            dropResting(in: state.state)
            state.state.lua.relieve()
        }
    }

    private func admits(_ state: PackState) -> Bool {
        memory.admit(state.lua.usedBytes, of: ObjectIdentifier(state))
    }

    private func wake(_ handle: Handle, in state: PackState) {
        guard state.resting.remove(handle) != nil, state.resting.isEmpty else { return }
        memory.drop(ObjectIdentifier(state))
    }

    private func dropResting(in state: PackState) {
        guard !state.resting.isEmpty else { return }
        for handle in state.resting { end(handle) }
        state.lua.collectGarbage()
    }

    private func reserves(of state: PackState) -> Set<LuaMemoryReserve> {
        guard memory.isHeld else { return [] }
        return state.resting.isEmpty ? [.process] : [.state, .process]
    }

    /// Frees what a script turned out to need.
    private func settle(_ step: Step, in state: PackState) -> Step {
        var step = step
        if state.lua.isBroken || state.lua.memoryNeed == .state {
            dropResting(in: state)
            if state.lua.memoryNeed == .state { state.lua.relieve() }
        }
        step.needsMemory = state.lua.memoryNeed == .process
        return step
    }

    private struct StateReference: Hashable {
        let state: PackState
        static func == (left: StateReference, right: StateReference) -> Bool { left.state === right.state }
        func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(state)) }
    }
}

// MARK: Judging events

extension RuleShard {
    /// What the part of a filter that Lua judges says of an event.
    struct Judgment: Sendable, Hashable {
        /// Why the event is turned away; nil if it passes.
        var refusal: String?
        /// Whether a limit stopped it.
        var wasStopped = false
    }

    /// Asks the patterns and the `matches` function of a rule, in slices as a run.
    func judge(_ event: ConversationEvent, by rule: Rule, of pack: RulePack) async -> Judgment {
        do {
            if let patterns = rule.filter.patterns, try await !matches(patterns, event.text) {
                return Judgment(refusal: "the text matches none of: \(patterns.sorted().joined(separator: ", "))")
            }
            guard rule.hasMatches else { return Judgment() }
            let lua = try state(for: pack).lua
            let call = try lua.begin(pack.source(of: rule.path), field: "matches", arguments: [event.ruleArgument])
            return Self.judgment(await finish(call, in: lua))
        } catch let error as LuaError {
            return Judgment(refusal: "matches failed: \(error.message)", wasStopped: error.limit != nil)
        } catch {
            return Judgment(refusal: "matches failed: \(error)")
        }
    }

    private static func judgment(_ step: LuaStep) -> Judgment {
        switch step {
        case .finished(let values):
            switch values.first {
            case nil, .nil, .boolean(false): Judgment(refusal: "matches said no")
            default: Judgment()
            }
        case .failed(let error):
            Judgment(refusal: "matches failed: \(error.message)", wasStopped: error.limit != nil)
        case .command(let command):
            Judgment(
                refusal: "matches failed: it may only look, but it called \(command.name); do that in run")
        case .paused:
            Judgment(refusal: "matches failed: it never ended")
        }
    }

    /// Whether a text matches one of the patterns.
    ///
    /// A search can't pause, so it has less time than a rule.
    ///
    /// - Throws: ``LuaError`` for a pattern that is malformed or takes too long.
    func matches(_ patterns: [String], _ text: String) async throws -> Bool {
        for pattern in patterns {
            if try await finds(pattern, text) { return true }
        }
        return false
    }

    private func finds(_ pattern: String, _ text: String) async throws -> Bool {
        let state = try patternState()
        let step = await finish(try PatternMatching.call(pattern, text, with: state), in: state)
        if case .failed(let error) = step, error.limit == .cpu { throw tooLong(pattern, error) }
        return try PatternMatching.found(step)
    }

    private func tooLong(_ pattern: String, _ error: LuaError) -> LuaError {
        var error = error
        error.message =
            "the pattern \(pattern) took more than \(limits.pattern) on this text; make it simpler, or raise limits.pattern"
        return error
    }

    private func patternState() throws(LuaError) -> LuaState {
        if let patterns, !patterns.isBroken { return patterns }
        var limits = limits.lua
        limits.cpu = min(limits.cpu, self.limits.pattern)
        let state = try LuaState(LuaEnvironment(limits: limits))
        patterns = state
        return state
    }

    /// Runs a call until it asks for something or ends; at each pause the others of this thread have their turn.
    private func finish(_ call: LuaInvocation, in state: LuaState) async -> LuaStep {
        var step = call.resume(.begin)
        while case .paused = step {
            if state.memoryNeed != nil {
                freeMemory()
                state.relieve()
            }
            await Task.yield()
            step = call.resume(.proceed)
        }
        call.cancel()
        return step
    }
}

/// The shards of a host.
struct ShardPool: Sendable {
    private let shards: [RuleShard]

    /// - Parameter count: At least 1.
    init(count: Int, limits: RuleLimits = RuleLimits()) {
        let memory = RestingMemory(limit: limits.keptMemoryBytes)
        shards = (0..<max(1, count)).map { RuleShard(name: "rules-\($0)", limits: limits, memory: memory) }
    }

    /// The shard of a conversation: the same one as long as the process runs.
    func shard(for conversation: String) -> RuleShard {
        shards[Int(UInt(bitPattern: conversation.hashValue) % UInt(shards.count))]
    }

    func retire(except versions: Set<String>) async {
        for shard in shards { await shard.retire(except: versions) }
    }

    /// Drops all scripts that rest.
    func freeMemory() async {
        for shard in shards { await shard.freeMemory() }
    }
}
