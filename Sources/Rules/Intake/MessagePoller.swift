public import Conversations
public import DurableExecution
public import Foundation
public import Logging
import Metrics
public import ServiceLifecycle

/// Where a poll got to, and where it keeps that.
public protocol PollStore: Sendable {
    func accept(_ events: [NewEvent]) async throws(EngineError) -> [Acceptance]
    func cursor(_ name: String) async throws(EngineError) -> String?
    func setCursor(_ name: String, to value: String?) async throws(EngineError)
    func storedValue(scope: String, key: String) async throws(EngineError) -> Data?
    func setStoredValue(scope: String, key: String, to value: Data?, ttl: Duration?) async throws(EngineError)
}

extension Engine: PollStore {}

/// Finds messages by reading conversations: what webhooks lost, and everything where there are no webhooks.
///
/// A durable cursor says up to where all conversations are known, and each conversation that is active has a position of
/// its own, which is forgotten after a while. A look reads backwards from the newest message to somewhat before the
/// position, keeps what it found, and then moves the position; a message that a webhook brought as well is the same event.
/// Reactions are found only on messages that a look reads.
public struct MessagePoller: Service {
    /// How far behind a conversation's newest message a look at it reads again: the API's times may be whole seconds, and
    /// a message may turn up later than one that bears a later time.
    private static let overlap: Duration = .seconds(600)
    /// How far behind the last look's newest message a look still compares conversations: messages may turn up late.
    private static let listOverlap: Duration = .seconds(3600)
    private static let startCursor = "poll:start"
    private static let throughCursor = "poll:through"

    /// How long a conversation's position is kept; past it, the cursor of all says as much.
    private static let positionLife: Duration = .seconds(2 * 24 * 3600)
    /// Packs are named `org/pack`, so none is named like this.
    private static let positionScope = "#poll"

    /// Up to where a conversation's messages are known.
    private struct Position: CustomStringConvertible {
        var time: Timestamp
        /// How many messages the conversation had: tells that one more came in the same second.
        var count: Int

        init(time: Timestamp, count: Int) {
            self.time = time
            self.count = count
        }

        init?(_ text: String) {
            let parts = text.split(separator: " ")
            guard parts.count == 2, let time = Timestamp(String(parts[0])), let count = Int(parts[1]) else {
                return nil
            }
            self.init(time: time, count: count)
        }

        var description: String { "\(time) \(count)" }
    }

    let api: any ConversationAPI
    let store: any PollStore
    private let optOut: OptOutWords
    private let interval: Duration
    let lookback: Duration
    let clock: any Clock<Duration>
    let now: @Sendable () -> Date
    private let recent = RecentIdentities(limit: 20_000)
    let logger: Logger

    /// - Parameters:
    ///   - interval: Between the end of a look and the next.
    ///   - lookback: How far back the very first look reads.
    ///   - optOut: Words that are kept with the messages that bring them.
    public init(
        api: any ConversationAPI, store: any PollStore, interval: Duration, lookback: Duration,
        optOut: OptOutWords = OptOutWords(), clock: any Clock<Duration> = ContinuousClock(),
        now: @escaping @Sendable () -> Date = { Date() },
        logger: Logger
    ) {
        self.api = api
        self.store = store
        self.optOut = optOut
        self.interval = interval
        self.lookback = lookback
        self.clock = clock
        self.now = now
        self.logger = logger
    }

    /// Looks again and again until cancelled or told to shut down; a look that fails is logged, and the next one tries
    /// again, no sooner than the server asked.
    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            var trouble = PollTrouble(interval: interval)
            while !Task.isCancelled {
                try await clock.sleep(for: await lookOnce(&trouble))
            }
        }
    }

    /// - Returns: How long to wait until the next look.
    private func lookOnce(_ trouble: inout PollTrouble) async -> Duration {
        do {
            let (found, failure) = try await lookThrough()
            if found > 0 { logger.info("polling found \(found) new messages and reactions") }
            if let failure { return failed(failure, isPartial: true, &trouble) }
            if trouble.ends() { logger.notice("polling works again") }
            return interval
        } catch  where Task.isCancelled {
            return interval
        } catch {
            return failed(error, isPartial: false, &trouble)
        }
    }

    private func failed(_ error: any Error, isPartial: Bool, _ trouble: inout PollTrouble) -> Duration {
        let failure = error as? APIError
        let wait = failure?.retryAfter.map { " (the server asks to wait \($0))" } ?? ""
        let message = "polling failed: \(failure?.message ?? "\(error)")\(wait)"
        logger.log(level: trouble.isNew(message) ? .warning : .debug, "\(message)")
        if let failure {
            Counter(label: "tidewire_poll_failures", dimensions: [("code", failure.code.rawValue)]).increment()
        }
        return trouble.wait(retryAfter: failure?.retryAfter, isPartial: isPartial)
    }

    /// Reads what is new once.
    ///
    /// - Returns: How many events were new.
    /// - Throws: ``APIError`` or ``EngineError``; what was found before is kept, and the next look goes on from there. A
    ///   conversation that alone can't be read doesn't keep the others from being looked at.
    public func look() async throws -> Int {
        let (found, failure) = try await lookThrough()
        if let failure { throw failure }
        return found
    }

    /// - Returns: How many events were new, and why the first of the conversations that alone can't be read can't.
    private func lookThrough() async throws -> (found: Int, failure: APIError?) {
        let start = try await startOfPolling()
        let through = try await store.cursor(Self.throughCursor).flatMap(Timestamp.init)
        let floor = max(start, through?.advanced(by: .zero - Self.listOverlap) ?? start)
        var found = 0
        var newest = through ?? start
        var failure: APIError?
        var unread = try await unreadConversations()
        var seen: Set<Conversation.ID> = []
        for try await conversation in api.allConversations() {
            guard let last = conversation.lastMessageAt else { continue }
            // Sorted by activity: from here on nothing happened since the last look, or since polling began.
            if last < floor { break }
            seen.insert(conversation.id)
            newest = max(newest, last)
            do {
                // Of one that could not be read it is not known since when.
                let since = unread.contains(conversation.id) ? start : floor
                found += try await look(at: conversation, last: last, start: since)
                unread.remove(conversation.id)
            } catch let error as APIError where error.concernsOneConversation {
                unread.insert(conversation.id)
                failure = failure ?? error
            }
        }
        let again = try await lookAgain(at: unread.subtracting(seen), start: start)
        found += again.found
        failure = failure ?? again.failure
        // If there are too many to be remembered, the next look starts where this one did.
        if try await setUnreadConversations(unread.intersection(seen).union(again.unread)), newest != through {
            try await store.setCursor(Self.throughCursor, to: newest.description)
        }
        return (found, failure)
    }

    /// The time before which nothing is of interest, set by the first look of all.
    private func startOfPolling() async throws -> Timestamp {
        if let text = try await store.cursor(Self.startCursor), let time = Timestamp(text) { return time }
        let start = Timestamp(now()).advanced(by: .zero - lookback)
        try await store.setCursor(Self.startCursor, to: start.description)
        return start
    }

    /// - Parameter start: The time before which everything is known, or of no interest, if the conversation has no position.
    func look(at conversation: Conversation, last: Timestamp, start: Timestamp) async throws -> Int {
        let known = try await position(in: conversation.id)
        if let known, known.time >= last, known.count == conversation.messageCount { return 0 }
        let beginning = try await startOfPolling()
        let after = known.map { max($0.time.advanced(by: .zero - Self.overlap), beginning) } ?? start
        let messages = try await newMessages(in: conversation.id, after: after)
        let events = try self.events(of: messages, in: conversation, since: after)
        let found = try await keep(events)
        // Not `last`: a message may have come between the list and the read.
        let newest = messages.map(\.receivedAt).max() ?? last
        let position = Position(time: max(newest, known?.time ?? newest), count: conversation.messageCount)
        try await store.setStoredValue(
            scope: Self.positionScope, key: conversation.id.rawValue, to: try JSON.encode(position.description),
            ttl: Self.positionLife)
        let former = Self.formerCursor(conversation.id)
        if try await store.cursor(former) != nil { try await store.setCursor(former, to: nil) }
        return found
    }

    private func position(in id: Conversation.ID) async throws -> Position? {
        if let data = try await store.storedValue(scope: Self.positionScope, key: id.rawValue) {
            return (try? JSON.decode(String.self, from: data)).flatMap(Position.init)
        }
        return try await store.cursor(Self.formerCursor(id)).flatMap(Position.init)
    }

    /// Where earlier versions kept a position, for ever.
    private static func formerCursor(_ id: Conversation.ID) -> String { "poll:" + id.rawValue }

    /// Messages received after `after`, oldest first, read backwards from the newest.
    func newMessages(in id: Conversation.ID, after: Timestamp) async throws -> [Message] {
        var messages: [Message] = []
        for try await message in api.messages(in: id, after: after) { messages.append(message) }
        return messages.sorted { $0.receivedAt < $1.receivedAt }
    }

    func events(
        of messages: [Message], in conversation: Conversation, since: Timestamp
    ) throws -> [NewEvent] {
        try messages.flatMap { message in
            let reactions = message.reactions.filter { $0.direction == .inbound && $0.createdAt >= since }
            let contents =
                [ConversationEvent(message, in: conversation)]
                + reactions.map { ConversationEvent($0, on: message, in: conversation) }
            return try contents.map { try NewEvent($0, source: "poll", sentAt: message.receivedAt, optOut: optOut) }
        }
    }

    func keep(_ events: [NewEvent]) async throws -> Int {
        let unknown = events.filter { !recent.contains($0.identities) }
        guard !unknown.isEmpty else { return 0 }
        let found = try await store.accept(unknown).count { if case .accepted = $0 { true } else { false } }
        for event in unknown { recent.insert(event.identities) }
        return found
    }
}

extension APIError {
    /// Whether other conversations may be read all the same.
    var concernsOneConversation: Bool {
        switch code {
        case .notFound, .forbidden, .invalidRequest, .badResponse: true
        default: false
        }
    }
}
