internal import CLua

/// What the time of a step counts against.
public enum LuaAllowance: Sendable, Hashable {
    /// The limits anew, so many times over (at least 1).
    case renewed(times: Int = 1)
    /// What is left of the step before: for an answer that nobody else had to give.
    case remaining
}

/// A function of a script under way: runs from command to command until it ends.
@safe
public final class LuaInvocation {
    /// What is still to be loaded before the function can be called.
    struct Loading {
        var reference: Int32
        var field: String
        var arguments: [LuaValue]
    }

    private enum Phase {
        case unloaded(Loading), loading(Loading), ready, waiting, paused, done
    }

    private let state: LuaState
    private var run: OpaquePointer?
    private var phase = Phase.ready
    private var finalCPUTime = Duration.zero

    /// - Parameter loading: What the first step loads; nil if that was done.
    init(_ state: LuaState, _ run: OpaquePointer, loading: Loading? = nil) {
        self.state = state
        unsafe self.run = run
        if let loading { phase = .unloaded(loading) }
    }

    deinit {
        cancel()
    }

    /// Whether it finished, failed or was cancelled.
    public var isDone: Bool { unsafe run == nil }

    /// Processor time taken so far; what it was in the end, once it is done.
    public var cpuTime: Duration {
        unsafe run.map { unsafe Duration.nanoseconds(tw_run_cpu($0)) } ?? finalCPUTime
    }

    /// Runs until the next command or the end.
    ///
    /// `input` must fit the step before: ``LuaInput/begin`` at first, values or a failure after a command,
    /// ``LuaInput/proceed`` after a pause, which continues the step, whatever `allowance` says.
    public func resume(_ input: LuaInput, allowance: LuaAllowance = .renewed()) -> LuaStep {
        guard let run = unsafe run else { preconditionFailure("resumed an invocation that is done") }
        unsafe renew(run, input, allowance)
        switch (phase, input) {
        case (.unloaded(let loading), .begin):
            return loaded(loading, unsafe tw_run_load_slice(state.host, run, loading.reference))
        case (.loading(let loading), .proceed):
            return loaded(loading, unsafe tw_run_load_on(state.host, run))
        default:
            return unsafe call(run, prepare(input))
        }
    }

    private func renew(_ run: OpaquePointer, _ input: LuaInput, _ allowance: LuaAllowance) {
        if case .proceed = input { return }
        guard case .renewed(let times) = allowance else { return }
        unsafe tw_run_renew(run, Int32(clamping: max(1, times)))
    }

    /// Goes on once the file is loaded.
    private func loaded(_ loading: Loading, _ status: Int32) -> LuaStep {
        guard let run = unsafe run else { preconditionFailure("an invocation was cancelled while it loaded") }
        if status == TW_PAUSED {
            phase = .loading(loading)
            return .paused
        }
        guard status == TW_OK else { return failed }
        state.setInput(ValueEncoder(loading.arguments).bytes)
        let selected = unsafe loading.field.withCString { unsafe tw_run_select(state.host, run, $0) }
        guard selected == TW_OK else { return failed }
        phase = .ready
        return unsafe call(run, prepare(.begin))
    }

    private var failed: LuaStep {
        let failure = state.failure
        cancel()
        return .failed(failure)
    }

    private func call(_ run: OpaquePointer, _ kind: Int) -> LuaStep {
        let status = unsafe tw_run_resume(state.host, run, Int32(kind))
        switch Int(status) {
        case Int(TW_COMMAND):
            phase = .waiting
            return .command(command)
        case Int(TW_PAUSED):
            phase = .paused
            return .paused
        case Int(TW_OK):
            var decoder = state.output
            let results = decoder.rest()
            cancel()
            return .finished(results)
        default:
            return failed
        }
    }

    /// Drops what is left of it; nothing of the script runs any more, `__close` metamethods included.
    public func cancel() {
        guard let run = unsafe run else { return }
        finalCPUTime = cpuTime
        unsafe tw_run_free(state.host, run)
        unsafe self.run = nil
        phase = .done
    }

    private func prepare(_ input: LuaInput) -> Int {
        switch (phase, input) {
        case (.ready, .begin):
            return TW_BEGIN
        case (.waiting, .values(let values)):
            state.setInput(ValueEncoder(values).bytes)
            return TW_VALUES
        case (.waiting, .failure(let failure)):
            state.setInput(ValueEncoder(failure).bytes)
            return TW_FAILURE
        case (.paused, .proceed):
            return TW_PROCEED
        default:
            preconditionFailure("an invocation that is \(phase) cannot be resumed with this input")
        }
    }

    private var command: LuaCommand {
        var decoder = state.output
        let name = decoder.string() ?? ""
        let file = decoder.string()
        let line = decoder.integer() ?? 0
        return LuaCommand(
            name: name, arguments: decoder.rest(), location: file.map { LuaLocation(file: $0, line: line) })
    }
}
