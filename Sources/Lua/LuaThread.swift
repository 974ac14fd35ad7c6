internal import CLua

/// A thread of its own for actors that run Lua, so that a long script does not hold a thread of the shared pool.
///
/// ```swift
/// actor Shard: LuaThreadActor {
///     nonisolated let luaThread: LuaThread
/// }
/// ```
///
/// The thread starts with the first job. After ``shutdown()`` it ends as soon as no job is left; a job that comes
/// later still runs, on a new thread that ends after it.
@safe
public final class LuaThread: SerialExecutor, @unchecked Sendable {
    // `@unchecked`: the worker's lock protects `jobs`, `isRunning` and `isStopping`.
    public let name: String
    private let worker: OpaquePointer
    private var jobs: [UnownedJob] = []
    private var isRunning = false
    private var isStopping = false

    /// The stack in bytes. Nested callbacks through Lua's library take up to 416 KB (measured); deep recursion in
    /// Lua's parser and in values takes the rest many times less.
    private static let stackBytes = 16 << 20

    /// - Parameter name: Shown by the system's tools; 15 bytes of it.
    public init(name: String) {
        self.name = name
        guard let worker = unsafe tw_worker_new(Self.stackBytes) else {
            preconditionFailure("not enough memory for a thread's lock")
        }
        unsafe self.worker = worker
    }

    deinit {
        unsafe tw_worker_free(worker)
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        locked {
            jobs.append(job)
            startIfNeeded()
            unsafe tw_worker_signal(worker)
        }
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        unsafe UnownedSerialExecutor(ordinary: self)
    }

    public func checkIsolated() {
        precondition(isCurrent, "not on thread \(name)")
    }

    /// Whether the caller runs on this thread.
    public var isCurrent: Bool {
        locked { unsafe tw_worker_is_current(worker) != 0 }
    }

    /// Lets the thread end once its jobs are done; returns at once.
    public func shutdown() {
        locked {
            isStopping = true
            unsafe tw_worker_signal(worker)
        }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        unsafe tw_worker_lock(worker)
        defer { unsafe tw_worker_unlock(worker) }
        return body()
    }

    private func startIfNeeded() {
        guard !isRunning else { return }
        isRunning = true
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let body: @convention(c) (UnsafeMutableRawPointer?) -> Void = { context in
            guard let context = unsafe context else { return }
            unsafe Unmanaged<LuaThread>.fromOpaque(context).takeRetainedValue().work()
        }
        let status = unsafe name.withCString { unsafe tw_worker_start(worker, $0, body, context) }
        precondition(status == 0, "cannot start thread \(name): error \(status)")
    }

    private func work() {
        while let jobs = nextJobs() {
            for job in jobs { unsafe job.runSynchronously(on: asUnownedSerialExecutor()) }
        }
    }

    /// Waits for jobs; nil when the thread shall end.
    private func nextJobs() -> [UnownedJob]? {
        locked {
            while jobs.isEmpty {
                if isStopping {
                    isRunning = false
                    return nil
                }
                unsafe tw_worker_wait(worker)
            }
            let taken = jobs
            jobs = []
            return taken
        }
    }
}

/// An actor that runs on a ``LuaThread``.
public protocol LuaThreadActor: Actor {
    nonisolated var luaThread: LuaThread { get }
}

extension LuaThreadActor {
    @safe public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe luaThread.asUnownedSerialExecutor()
    }
}
