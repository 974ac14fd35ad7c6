public import Foundation

/// What a program waits for.
///
/// A wait looks at the events of its queue from the invocation's place in the inbox on: after the event that started the
/// invocation, after its latest command that is answered in that queue was asked for (``Command/answersIn``), and after the
/// event that ended its last wait there, whichever is latest. So nothing that comes between asking and waiting is
/// missed, and nothing is returned twice.
public struct Wait: Sendable, Hashable {
    /// Whose events may end the wait; nil for a sleep, which only time ends.
    public var queue: String?
    /// Counted from when the program first came to the wait; nil: as long as it takes.
    public var timeout: Duration?
    /// Whether an event that ends this wait is kept from older waits and from rules.
    public var exclusive: Bool
    /// What people read that it waits for: `a reply`.
    public var purpose: String

    public init(queue: String?, timeout: Duration?, exclusive: Bool = false, purpose: String) {
        self.queue = queue
        self.timeout = timeout
        self.exclusive = exclusive
        self.purpose = purpose
    }
}

/// A wait under way, or a held command that lapses once it is overtaken (``Command/lapsesIn``).
public struct Waiting: Sendable, Hashable {
    /// Rises with every registration; a wait that is registered again gets a new one.
    public var number: Int64
    /// The number of its first registration: higher is newer.
    public var opened: Int64
    /// The invocation's id.
    public var invocation: String
    public var rule: String
    /// The sequence of the event that started the invocation.
    public var trigger: Int64
    /// The command's place in the journal.
    public var position: Int
    /// The command's name.
    public var name: String
    /// The command's input, JSON: what the rule is looking for.
    public var input: Data
    public var queue: String?
    /// Only events with a higher sequence can end it.
    public var since: Int64
    public var deadline: Date?
    public var exclusive: Bool
    /// As ``Invocation/isDry``.
    public var isDry: Bool

    public init(
        number: Int64 = 0, opened: Int64 = 0, invocation: String, rule: String, trigger: Int64, position: Int,
        name: String, input: Data, queue: String?, since: Int64, deadline: Date?, exclusive: Bool, isDry: Bool = false
    ) {
        self.isDry = isDry
        self.number = number
        self.opened = opened
        self.invocation = invocation
        self.rule = rule
        self.trigger = trigger
        self.position = position
        self.name = name
        self.input = input
        self.queue = queue
        self.since = since
        self.deadline = deadline
        self.exclusive = exclusive
    }

    /// Whether `event` comes after the wait's place in the inbox, and in time.
    ///
    /// In time is what happened or was accepted by the deadline: so a clock that differs from the provider's, or a message
    /// that was fetched late, doesn't cost anybody their answer.
    func admits(_ event: Event) -> Bool {
        guard event.queue == queue, event.sequence > since else { return false }
        return deadline.map { min(event.occurredAt, event.acceptedAt) <= $0 } ?? true
    }
}
