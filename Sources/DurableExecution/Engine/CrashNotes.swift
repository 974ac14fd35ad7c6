/// What a process was running when it ended without being asked to.
///
/// Every program step, match and offer, and what handlers do for them, is noted while it runs, so that what ends the process is known afterwards. A note
/// has to survive the death of the process (`SIGKILL`, a trap), not that of the machine, so no step waits for a disk.
public protocol CrashNotes: Sendable {
    /// What the process before this one left; empty if it ended cleanly. Stays the same until ``clear()``.
    var leftBehind: [CrashNote] { get }

    /// Whether the process before this one ended by a fault of its own code, as far as that is known: not where somebody
    /// else killed it.
    var endedByFault: Bool { get }

    /// Forgets what was left behind. Called before the first note is made.
    func clear()

    /// Notes that program code begins to run.
    ///
    /// - Returns: What to give to ``leave(_:)``; nil if there is no room for the note.
    func enter(_ note: CrashNote) -> Int?

    /// The code whose note this is has returned.
    func leave(_ slot: Int)
}

extension CrashNotes {
    public var endedByFault: Bool { true }
}

/// Which event's program code was running, and of which invocation, if it was one's.
public struct CrashNote: Sendable, Hashable {
    /// From the top: never set; whether a handler ran; 46 bits for the event; 16 for the invocation's place, all ones:
    /// none. Never 0.
    public var number: Int64

    public init(number: Int64) { self.number = number }

    init(event: Int64) { number = event << 16 | Int64(Self.noPlace) }

    init(_ invocation: Invocation) {
        number = InvocationID(invocation.id)?.number ?? CrashNote(event: invocation.event).number
    }

    private static let noPlace = InvocationID.placeLimit - 1

    private static let handlerBit: Int64 = 1 << 62

    /// Whether it was not program code that ran, but the handler's work around it, which may wait for a network. So it
    /// only tells something if the process ended by a fault of its own.
    public var isOfHandler: Bool { number & Self.handlerBit != 0 }

    /// The same, while the handler works.
    var ofHandler: CrashNote { CrashNote(number: number | Self.handlerBit) }

    private var place: Int64 { number & ~Self.handlerBit }

    public var event: Int64 { place >> 16 }

    /// The id of the invocation that ran; nil if the event was being prepared, matched or offered.
    public var invocation: String? {
        place & Int64(Self.noPlace) == Int64(Self.noPlace) ? nil : InvocationID(number: place).text
    }
}

/// An event that was running at the end of too many processes, and is held back.
public struct Quarantined: Sendable, Hashable {
    public var event: Int64
    /// How many processes ended while it ran.
    public var crashes: Int
    /// The rules that ran, which are paused now if the handler names subjects for that.
    public var rules: [String]

    public init(event: Int64, crashes: Int, rules: [String]) {
        self.event = event
        self.crashes = crashes
        self.rules = rules
    }
}
