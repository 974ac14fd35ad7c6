internal import CLua

/// A function of a script under way: runs from command to command until it ends.
@safe
public final class LuaInvocation {
    private enum Phase {
        case ready, waiting, paused, done
    }

    private let state: LuaState
    private var run: OpaquePointer?
    private var phase = Phase.ready
    private var finalCPUTime = Duration.zero

    init(_ state: LuaState, _ run: OpaquePointer) {
        self.state = state
        unsafe self.run = run
    }

    deinit {
        cancel()
    }

    /// Whether it finished, failed or was cancelled.
    public var isDone: Bool { phase == .done }

    /// Processor time taken so far; what it was in the end, once it is done.
    public var cpuTime: Duration {
        unsafe run.map { unsafe Duration.nanoseconds(tw_run_cpu($0)) } ?? finalCPUTime
    }

    /// Runs until the next command or the end.
    ///
    /// `input` must fit the step before: ``LuaInput/begin`` at first, values or a failure after a command,
    /// ``LuaInput/proceed`` after a pause.
    public func resume(_ input: LuaInput) -> LuaStep {
        guard let run = unsafe run else { preconditionFailure("resumed an invocation that is done") }
        let kind = prepare(input)
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
            let failure = state.failure
            cancel()
            return .failed(failure)
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
