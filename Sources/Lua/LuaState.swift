internal import CLua

/// A Lua state with a frozen set of globals.
///
/// It lives on one thread at a time and is not safe to share. Everything that may raise happens in `CLua` inside
/// protected calls; this class never touches a Lua stack. Values are copied both ways.
@safe
public final class LuaState {
    private let functions: HostFunctions
    let host: OpaquePointer
    private var chunks: [String: Chunk] = [:]
    /// Every source that a message may name.
    private var sources: [String: LuaSource] = [:]

    private struct Chunk {
        var text: String
        var reference: Int32
    }

    /// - Throws: ``LuaError`` when the prelude does not compile or run, or memory is short.
    public convenience init(_ environment: LuaEnvironment) throws(LuaError) {
        try self.init(environment, hasStockLibrary: false)
    }

    /// With `hasStockLibrary`, a global `stock` has Lua's own functions, for tests that compare.
    init(_ environment: LuaEnvironment, hasStockLibrary: Bool) throws(LuaError) {
        var settings = environment.limits.settings
        settings.has_stock = hasStockLibrary ? 1 : 0
        functions = HostFunctions(environment.functions, direct: environment.directFunctions)
        let context = unsafe Unmanaged.passUnretained(functions).toOpaque()
        guard let host = unsafe tw_host_new(settings, callHostFunction, context) else {
            throw LuaError(
                code: .memory, message: "not enough memory for a Lua state; raise limits.memory", limit: .memory)
        }
        unsafe self.host = host
        for source in environment.modules.values { sources[source.name] = source }
        if let prelude = environment.prelude { sources[prelude.name] = prelude }
        try open(environment)
    }

    deinit {
        unsafe tw_host_free(host)
    }

    /// Compiles `source` without running it.
    public func check(_ source: LuaSource) throws(LuaError) {
        sources[source.name] = source
        try unwrap(unsafe load(source, nil))
    }

    /// Runs `source` with every command refused, and returns the value of the file.
    public func describe(_ source: LuaSource) throws(LuaError) -> LuaValue {
        let run = unsafe try loadedRun(source, seed: 0)
        defer { unsafe tw_run_free(host, run) }
        try unwrap(unsafe tw_run_describe(host, run))
        var decoder = output
        return decoder.next() ?? .nil
    }

    /// Runs `source` anew, with every command refused meanwhile, and makes an invocation of the function at `field`
    /// of the table that it returns. Modules that it requires run anew as well.
    ///
    /// - Parameter seed: Seed of `math.random`; equal seeds give equal numbers.
    public func start(
        _ source: LuaSource, field: String, arguments: [LuaValue], seed: UInt64 = 0
    ) throws(LuaError) -> LuaInvocation {
        let run = unsafe try loadedRun(source, seed: seed)
        setInput(ValueEncoder(arguments).bytes)
        let status = unsafe field.withCString { unsafe tw_run_select(host, run, $0) }
        if status != TW_OK {
            unsafe tw_run_free(host, run)
            throw failure
        }
        return unsafe LuaInvocation(self, run)
    }

    /// As ``start(_:field:arguments:seed:)``, but `source` runs in the invocation's first step, which may pause.
    ///
    /// - Throws: ``LuaError`` if `source` does not compile; what is wrong beyond that fails the first step.
    public func begin(
        _ source: LuaSource, field: String, arguments: [LuaValue], seed: UInt64 = 0
    ) throws(LuaError) -> LuaInvocation {
        let reference = try reference(to: source)
        guard let run = unsafe tw_run_new(host, seed) else { throw failure }
        return unsafe LuaInvocation(
            self, run, loading: LuaInvocation.Loading(reference: reference, field: field, arguments: arguments))
    }

    /// Bytes that the state holds, garbage included.
    public var usedBytes: Int { unsafe tw_host_used(host) }

    /// The most bytes that the state held at one time, to about 64 KB.
    public var peakBytes: Int { unsafe tw_host_peak(host) }

    /// Whether a script of this state was stopped by a limit, or Lua ran out of memory. The state should be discarded;
    /// its other invocations may still be finished.
    public var isBroken: Bool { unsafe tw_host_broken(host) != 0 }

    /// Says what the host could free if memory were short: other invocations of this state, or of the process.
    ///
    /// A script that reaches that limit then pauses at the next chance instead of being stopped, and ``memoryNeed``
    /// says what to free. Until ``relieve()`` it may hold twice ``LuaLimits/memoryBytes``.
    public func offer(_ reserves: Set<LuaMemoryReserve>) {
        let state = reserves.contains(.state) ? TW_RESERVE_STATE : 0
        let process = reserves.contains(.process) ? TW_RESERVE_PROCESS : 0
        unsafe tw_host_set_reserves(host, Int32(state | process))
    }

    /// What a script needs freed; nil if nothing.
    public var memoryNeed: LuaMemoryReserve? {
        switch unsafe Int(tw_host_pressure(host)) {
        case TW_RESERVE_STATE: .state
        case TW_RESERVE_PROCESS: .process
        default: nil
        }
    }

    /// Says that what ``memoryNeed`` asks for was freed as far as it can be.
    public func relieve() {
        unsafe tw_host_relieved(host)
    }

    /// Frees what nothing refers to any more.
    public func collectGarbage() {
        unsafe tw_host_collect(host)
    }
}

extension LuaState {
    private func open(_ environment: LuaEnvironment) throws(LuaError) {
        for (index, name) in functions.names.enumerated() {
            try unwrap(unsafe name.withCString { unsafe tw_host_add_function(host, $0, Int32(index)) })
        }
        for (name, function) in functions.direct {
            let context = unsafe Unmanaged.passUnretained(function).toOpaque()
            try unwrap(unsafe name.withCString { unsafe tw_host_add_direct(host, $0, callDirectFunction, context) })
        }
        for (name, source) in environment.modules {
            let status = unsafe withChunk(source) { chunk, text, count in
                unsafe name.withCString { unsafe tw_host_add_module(host, $0, chunk, text, count) }
            }
            try unwrap(status)
        }
        if let prelude = environment.prelude {
            try unwrap(unsafe withChunk(prelude) { unsafe tw_host_open(host, $0, $1, $2) })
        } else {
            try unwrap(unsafe tw_host_open(host, nil, nil, 0))
        }
    }

    /// A run whose chunk has run, so that its value can be taken.
    private func loadedRun(_ source: LuaSource, seed: UInt64) throws(LuaError) -> OpaquePointer {
        let reference = try reference(to: source)
        guard let run = unsafe tw_run_new(host, seed) else { throw failure }
        if unsafe tw_run_load(host, run, reference) != TW_OK {
            unsafe tw_run_free(host, run)
            throw failure
        }
        return unsafe run
    }

    /// Compiles `source` unless the same text was compiled under the same name before.
    private func reference(to source: LuaSource) throws(LuaError) -> Int32 {
        if let chunk = chunks[source.name] {
            if chunk.text == source.text { return chunk.reference }
            chunks[source.name] = nil
            unsafe tw_host_release(host, chunk.reference)
        }
        sources[source.name] = source
        var reference: Int32 = 0
        try unwrap(unsafe withUnsafeMutablePointer(to: &reference) { unsafe load(source, $0) })
        chunks[source.name] = Chunk(text: source.text, reference: reference)
        return reference
    }

    private func load(_ source: LuaSource, _ reference: UnsafeMutablePointer<Int32>?) -> Int32 {
        unsafe withChunk(source) { unsafe tw_host_load(host, $0, $1, $2, reference) }
    }

    /// Calls `body` with Lua's name for the chunk, and the text with its length.
    private func withChunk(
        _ source: LuaSource, _ body: (UnsafePointer<CChar>, UnsafePointer<CChar>, Int) -> Int32
    ) -> Int32 {
        unsafe ("@" + source.name).withCString { name in
            unsafe source.text.withCString { text in
                unsafe body(name, text, source.text.utf8.count)
            }
        }
    }

    private func unwrap(_ status: Int32) throws(LuaError) {
        if status != TW_OK { throw failure }
    }

    func setInput(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBufferPointer { unsafe tw_set_input(host, $0.baseAddress, $0.count) }
    }

    /// What Lua wrote last; to be read before Lua is called again.
    var output: ValueDecoder {
        var count = 0
        let bytes = unsafe tw_output(host, &count)
        return unsafe ValueDecoder(UnsafeRawBufferPointer(start: bytes, count: count))
    }

    /// The failure that Lua wrote last.
    var failure: LuaError {
        var decoder = output
        let code = decoder.integer() ?? 0
        var error = LuaError(
            code: LuaError.Code(code) ?? .runtime, message: decoder.string() ?? "not enough memory")
        error.file = decoder.string()
        error.line = decoder.integer().flatMap { $0 > 0 ? $0 : nil }
        error.traceback = decoder.string() ?? ""
        error.value = decoder.next().flatMap { $0 == .nil ? nil : $0 }
        error.limit = decoder.string().flatMap(LuaError.Limit.init)
        if error.code == .memory { error.message += "; keep less at once, or raise limits.memory" }
        place(&error)
        return error
    }

    /// Takes file and line from the message where it begins with them, since an error may blame a line that is not
    /// the one running; finds the text of the line.
    private func place(_ error: inout LuaError) {
        for source in sources.values {
            for name in [source.name, source.shortName] where error.message.utf8.starts(with: (name + ":").utf8) {
                let rest = error.message.utf8.dropFirst(name.utf8.count + 1)
                let digits = rest.prefix(while: { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
                guard let line = Int(Substring(digits)), rest.dropFirst(digits.count).starts(with: ": ".utf8) else {
                    continue
                }
                error.file = source.name
                error.line = line
                error.message = source.name + ":" + String(Substring(rest))
                error.sourceLine = source.line(line)
                return
            }
        }
        guard let file = error.file, let line = error.line else { return }
        error.sourceLine = sources[file]?.line(line)
    }
}

extension LuaError.Code {
    /// The code that `CLua` numbers so.
    init?(_ number: Int) {
        let codes: [Int: LuaError.Code] = [
            TW_CODE_SYNTAX: .syntax, TW_CODE_RUNTIME: .runtime, TW_CODE_HOST: .host, TW_CODE_LIMIT: .limit,
            TW_CODE_MEMORY: .memory, TW_CODE_BAD_VALUE: .badValue,
        ]
        guard let code = codes[number] else { return nil }
        self = code
    }
}
