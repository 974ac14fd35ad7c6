/// Limits and times of an ``Engine``.
public struct EngineConfiguration: Sendable, Hashable {
    /// How many events and resumed invocations are worked on at once.
    public var parallelism: Int = 256
    /// How many events that wait for their turn are held in memory, of all queues together.
    public var backlogLimit: Int = 8192
    /// How many waiting events of one queue are held in memory; the rest stays in the inbox until then.
    public var queueLimit: Int = 16
    /// How many queues are known in memory whose next event has to wait; with more, the inbox is read no further. One
    /// takes some 200 bytes.
    public var postponedLimit: Int = 250_000
    /// Events older than this when their turn comes are recorded as expired and not run.
    public var maxAge: Duration = .seconds(24 * 3600)
    /// How long a chain of causes may be, from event to the invocation that caused it to that one's event and so on.
    ///
    /// A longer one is a loop of rules that answer each other; its next event is recorded as failed.
    public var causeLimit: Int = 16
    /// How commands are tried again.
    public var retry = RetryPolicy()
    /// When the circuit breakers of upstreams open and close.
    public var breaker = BreakerPolicy()
    /// How many processes may end by a fault of their code while an event runs until it is held back.
    public var crashLimit: Int = 2
    /// How many may be killed while it runs: by the system for want of memory, which the event may be to blame for, or by
    /// a person, when it ran by chance.
    public var killLimit: Int = 5
    /// How often what is too old is deleted, while the engine runs; nil: never by itself.
    public var maintenanceInterval: Duration? = .seconds(3600)
    /// What is too old.
    public var retention = Retention()
    /// Whether the handler only notes effects. Invocations keep the kind that they began as: those of the other kind are
    /// held while this runs, and offered no events.
    public var isDryRun = false
    /// How many commands one invocation may make.
    public var commandLimit: Int = 10_000
    /// How much one invocation may keep.
    public var quotas = RunQuotas()
    /// How much one owner may keep in the store of rules.
    public var storeQuota = StoreQuota()
    /// How many waits of one rule may be open in one queue; the next one fails with the code `too_many_waits`.
    ///
    /// Each event of the queue is offered to all of them.
    public var waitLimit: Int = 100
    /// How many outcomes of reads and repeatable commands one invocation holds back for its next commit.
    public var unwrittenLimit: Int = 64
    /// How many bytes of outcomes and log lines it holds back.
    public var unwrittenByteLimit: Int = 256 << 10
    /// How many programs of waiting invocations are kept in memory; those of others are rebuilt from their journals.
    public var keptPrograms: Int = 500
    /// After which pause an effect that may have taken place, and was not found, is looked for once more: who performs it
    /// may list it only some moments after.
    public var secondLookDelay: Duration = .seconds(5)

    public init() {}

    /// How events that can't be prepared or matched are tried again: until they are too old. An upstream that is down for
    /// an hour costs delay, not events.
    var patience: RetryPolicy {
        var policy = retry
        policy.attemptLimit = .max
        policy.timeLimit = maxAge
        return policy
    }
}
