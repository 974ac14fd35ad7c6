import Conversations
import Foundation
import Synchronization
import TestSupport

/// The API with faults that a seed decides, and the judge of what is asked of it.
final class SimulatedAPI: ConversationAPI {
    struct Sent: Sendable, Hashable {
        var to: String
        var body: String
        var at: Date
        /// Which process sent it, and whether before or after somebody let its rule go on.
        var window: Int
    }

    private struct State {
        var random: SeededGenerator
        var isKind = false
        var isOut = false
        var isDead = false
        /// Calls of the API, and of what writes to the store, until the process dies; nil: it doesn't.
        var countdown: Int?
        var die: (@Sendable () -> Void)?
        var window = 0
        /// Who asked not to be written to, for certain.
        var stopped: Set<String> = []
        var sent: [Sent] = []
        var violations: [String] = []
        var story: [String] = []

        mutating func step() -> Step {
            guard !isDead else { return .isDead }
            guard let left = countdown else { return .lives }
            countdown = left - 1
            guard left <= 0 else { return .lives }
            isDead = true
            return .dies(die)
        }
    }

    private enum Step { case lives, isDead, dies((@Sendable () -> Void)?) }

    let base = FakeAPI()
    private let clock: ManualClock
    private let executor: SeededExecutor
    private let state: Mutex<State>

    init(seed: UInt64, clock: ManualClock, executor: SeededExecutor) {
        self.clock = clock
        self.executor = executor
        state = Mutex(State(random: SeededGenerator(seed: seed)))
    }

    var violations: [String] { state.withLock { $0.violations } }
    var sent: [Sent] { state.withLock { $0.sent } }
    var isKind: Bool { state.withLock { $0.isKind } }
    func violate(_ what: String) { state.withLock { $0.violations.append(what) } }
    func roll(_ sides: Int) -> Int { state.withLock { .random(in: 0..<sides, using: &$0.random) } }
    func toggleOutage() { state.withLock { $0.isOut.toggle() } }

    func becomeKind() {
        state.withLock { state in
            state.isKind = true
            state.isOut = false
        }
    }

    /// From now on nothing may be sent to that participant, or everything again.
    func hasStopped(_ participant: String, _ isStopped: Bool) {
        state.withLock { state in
            if isStopped { state.stopped.insert(participant) } else { state.stopped.remove(participant) }
        }
    }

    /// A process begins.
    func begins() {
        state.withLock { state in
            state.window += 1
            state.isDead = false
            state.countdown = nil
        }
        tell("a process begins")
    }

    /// The process dies at one of its next calls.
    func endsLife(after countdown: Int, die: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.countdown = countdown
            state.die = die
        }
    }

    var isDead: Bool { state.withLock { $0.isDead } }

    /// Whether the process lives on a step later.
    func lives() -> Bool {
        switch state.withLock({ $0.step() }) {
        case .lives: return true
        case .isDead: return false
        case .dies(let die):
            tell("the process dies, at the store")
            die?()
            return false
        }
    }

    /// What happened, for whoever looks into a seed.
    var story: [String] { state.withLock { $0.story } }

    func tell(_ what: String) {
        let time = clock.now.offset
        state.withLock { $0.story.append("\(time): \(what)") }
    }

    /// What was counted until now counts no more.
    func opensWindow() { state.withLock { $0.window += 1 } }

    // MARK: Faults

    private enum Fate { case passes, fails, losesEffect, losesAnswer, dies(withEffect: Bool) }

    private func fate(of call: String) -> Fate {
        let (fate, die): (Fate, (@Sendable () -> Void)?) = state.withLock { state in
            let roll = Int.random(in: 0..<100, using: &state.random)
            switch state.step() {
            case .isDead: return (.fails, nil)
            case .dies(let die): return (.dies(withEffect: roll < 50), die)
            case .lives: break
            }
            if state.isOut { return (.fails, nil) }
            guard !state.isKind else { return (.passes, nil) }
            return (roll < 6 ? .fails : roll < 12 ? .losesEffect : roll < 22 ? .losesAnswer : .passes, nil)
        }
        tell("\(call) \(fate)")
        // Cancels everything that runs, so that what this call throws is heard by nobody.
        die?()
        return fate
    }

    /// Lets others go first, if the seed says so.
    private func pause() async { await executor.outside {} }

    private static let down = APIError(.unavailable, "nobody answers")
    private static let lost = APIError(.outcomeUnknown, "no answer")
    /// What changes something that may be set again.
    private static let gone = APIError(.unavailable, "no answer")

    private func reading<Value>(
        _ name: String, _ call: () async throws(APIError) -> Value
    ) async throws(APIError) -> Value {
        await pause()
        switch fate(of: name) {
        case .passes, .losesEffect, .losesAnswer: return try await call()
        case .fails, .dies: throw Self.down
        }
    }

    private func changing<Value>(
        _ name: String, _ doubt: APIError, _ call: () async throws(APIError) -> Value
    ) async throws(APIError) -> Value {
        await pause()
        switch fate(of: name) {
        case .passes:
            let value = try await call()
            await pause()
            return value
        case .fails: throw Self.down
        case .losesEffect: throw doubt
        case .losesAnswer:
            _ = try await call()
            throw doubt
        case .dies(let withEffect):
            if withEffect { _ = try await call() }
            throw doubt
        }
    }

    // MARK: The API

    func conversations(limit: Int, offset: Int) async throws(APIError) -> ConversationPage {
        try await reading("list") { () async throws(APIError) in
            try await base.conversations(limit: limit, offset: offset)
        }
    }

    func conversation(_ id: Conversation.ID, messageLimit: Int) async throws(APIError) -> ConversationDetail {
        try await reading("get \(id)") { () async throws(APIError) in
            try await base.conversation(id, messageLimit: messageLimit)
        }
    }

    func messages(
        in id: Conversation.ID, limit: Int, before: Timestamp?, after: Timestamp?
    ) async throws(APIError) -> MessagePage {
        try await reading("messages \(id)") { () async throws(APIError) in
            try await base.messages(in: id, limit: limit, before: before, after: after)
        }
    }

    func update(
        _ id: Conversation.ID, with update: ConversationUpdate
    ) async throws(APIError) -> ConversationDetail {
        try await changing("update \(id) \(update.metadata.words)", Self.gone) { () async throws(APIError) in
            try await base.update(id, with: update)
        }
    }

    func send(_ message: OutboundMessage) async throws(APIError) -> SentMessage {
        let to = message.toNumber ?? ""
        let isStopped = state.withLock { $0.stopped.contains(to) }
        if isStopped { violate("\"\(message.body)\" goes to \(to), who wrote STOP") }
        return try await changing("send \(to) \(message.body)", Self.lost) { () async throws(APIError) in
            let date = clock.date
            base.change { $0.effectsAt = Timestamp(date) }
            state.withLock { $0.sent.append(Sent(to: to, body: message.body, at: date, window: $0.window)) }
            return try await base.send(message)
        }
    }

    func react(to id: Message.ID, with reaction: ReactionType) async throws(APIError) -> ReactionReceipt {
        try await changing("react", Self.lost) { () async throws(APIError) in
            try await base.react(to: id, with: reaction)
        }
    }

    func showTyping(in id: Conversation.ID) async throws(APIError) -> TypingReceipt {
        try await base.showTyping(in: id)
    }

    func webhook() async throws(APIError) -> Webhook? { nil }
    func setWebhook(_ request: WebhookRequest) async throws(APIError) -> Webhook {
        throw APIError(.notImplemented, "no webhooks here")
    }
    func deleteWebhook() async throws(APIError) {}
}

extension ConversationUpdate.Field<Metadata> {
    /// The same for the same metadata, whatever order a process gives their keys.
    fileprivate var words: String {
        switch self {
        case .unchanged: "unchanged"
        case .cleared: "cleared"
        case .replaced(let metadata):
            (try? JSONValue.object(metadata).text()).map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
    }
}
