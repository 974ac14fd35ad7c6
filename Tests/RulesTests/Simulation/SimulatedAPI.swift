import Conversations
import Foundation
import Synchronization
import TestSupport

/// What may befall a rule simulation beside outages, lost answers of sends, kills and people who decide.
///
/// `TIDEWIRE_RULE_SIMULATION_WITH=metadata,stops` adds some to the usual ones.
enum RuleAdversity: String, Sendable, CaseIterable {
    /// Changes of metadata fail, or their answers are lost, as those of sends.
    case metadata
    /// A STOP counts from its acceptance on; else only once its event had its turn.
    case stops

    static let usual: Set<RuleAdversity> = {
        let more = ProcessInfo.processInfo.environment["TIDEWIRE_RULE_SIMULATION_WITH"] ?? ""
        return Set(more.split(separator: ",").compactMap { RuleAdversity(rawValue: String($0)) })
    }()
}

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
        /// Calls until the process dies; nil: it doesn't.
        var countdown: Int?
        var die: (@Sendable () -> Void)?
        var window = 0
        /// Who asked not to be written to, for certain.
        var stopped: Set<String> = []
        var sent: [Sent] = []
        var violations: [String] = []
    }

    let base = FakeAPI()
    private let clock: ManualClock
    private let state: Mutex<State>

    init(seed: UInt64, clock: ManualClock) {
        self.clock = clock
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

    /// A process begins, which dies within so many calls.
    func begins(dyingAfter countdown: Int?, die: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.window += 1
            state.countdown = countdown
            state.die = die
        }
    }

    /// What was counted until now counts no more.
    func opensWindow() { state.withLock { $0.window += 1 } }

    // MARK: Faults

    private enum Fate { case passes, fails, losesEffect, losesAnswer, dies(withEffect: Bool) }

    private func fate() -> Fate {
        let (fate, die): (Fate, (@Sendable () -> Void)?) = state.withLock { state in
            let roll = Int.random(in: 0..<100, using: &state.random)
            if let countdown = state.countdown {
                state.countdown = countdown - 1
                if countdown <= 0 { return (.dies(withEffect: roll < 50), state.die) }
            }
            if state.isOut { return (.fails, nil) }
            guard !state.isKind else { return (.passes, nil) }
            return (roll < 6 ? .fails : roll < 12 ? .losesEffect : roll < 22 ? .losesAnswer : .passes, nil)
        }
        // Cancels everything that runs, so that what this call throws is heard by nobody.
        die?()
        return fate
    }

    private static let down = APIError(.unavailable, "nobody answers")
    private static let lost = APIError(.outcomeUnknown, "no answer")
    /// What changes something that may be set again.
    private static let gone = APIError(.unavailable, "no answer")

    private func reading<Value>(_ call: () async throws(APIError) -> Value) async throws(APIError) -> Value {
        switch fate() {
        case .passes, .losesEffect, .losesAnswer: return try await call()
        case .fails, .dies: throw Self.down
        }
    }

    private func changing<Value>(
        _ doubt: APIError, _ call: () async throws(APIError) -> Value
    ) async throws(APIError) -> Value {
        switch fate() {
        case .passes: return try await call()
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
        try await reading { () async throws(APIError) in try await base.conversations(limit: limit, offset: offset) }
    }

    func conversation(_ id: Conversation.ID, messageLimit: Int) async throws(APIError) -> ConversationDetail {
        try await reading { () async throws(APIError) in try await base.conversation(id, messageLimit: messageLimit) }
    }

    func messages(
        in id: Conversation.ID, limit: Int, before: Timestamp?, after: Timestamp?
    ) async throws(APIError) -> MessagePage {
        try await reading { () async throws(APIError) in
            try await base.messages(in: id, limit: limit, before: before, after: after)
        }
    }

    func update(
        _ id: Conversation.ID, with update: ConversationUpdate
    ) async throws(APIError) -> ConversationDetail {
        guard RuleAdversity.usual.contains(.metadata) else { return try await base.update(id, with: update) }
        return try await changing(Self.gone) { () async throws(APIError) in try await base.update(id, with: update) }
    }

    func send(_ message: OutboundMessage) async throws(APIError) -> SentMessage {
        let to = message.toNumber ?? ""
        let isStopped = state.withLock { $0.stopped.contains(to) }
        if isStopped { violate("\"\(message.body)\" goes to \(to), who wrote STOP") }
        return try await changing(Self.lost) { () async throws(APIError) in
            let date = clock.date
            base.change { $0.effectsAt = Timestamp(date) }
            state.withLock { $0.sent.append(Sent(to: to, body: message.body, at: date, window: $0.window)) }
            return try await base.send(message)
        }
    }

    func react(to id: Message.ID, with reaction: ReactionType) async throws(APIError) -> ReactionReceipt {
        try await changing(Self.lost) { () async throws(APIError) in try await base.react(to: id, with: reaction) }
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
