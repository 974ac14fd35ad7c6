import Conversations
import DurableExecution
import Foundation
import Logging
import Synchronization

/// Judges each effect before it happens: pauses, opt-outs, quiet hours and fuses, in this order.
///
/// Asked by the one executor, so no binding and no pack gets around it.
final class Policy: Sendable {
    /// How many of a conversation's latest events are looked through for its last inbound message.
    private static let answerDepth = 20

    private static let memoryLimit = 10_000

    let configuration: PolicyConfiguration
    private let reader: EffectReader
    private let contents: EventContents
    let link: EngineLink
    let optOuts: OptOuts
    let fuses: Mutex<FuseBox>
    /// Effects between their judgement and the moment at which they happen.
    private let admitted = Mutex<[FuseBox.Effect: PolicyEffect]>([:])
    private let observer = Mutex<(@Sendable (OptOutChange) -> Void)?>(nil)
    let now: @Sendable () -> Date
    let logger: Logger

    init(
        _ configuration: PolicyConfiguration, api: any ConversationAPI, contents: EventContents,
        link: EngineLink, now: @escaping @Sendable () -> Date, logger: Logger
    ) {
        self.configuration = configuration
        self.contents = contents
        self.link = link
        self.now = now
        self.logger = logger
        reader = EffectReader(api: api, contents: contents, link: link)
        optOuts = OptOuts(link: link)
        fuses = Mutex(FuseBox(configuration.fuses))
    }

    func setObserver(_ observer: @escaping @Sendable (OptOutChange) -> Void) {
        self.observer.withLock { $0 = observer }
    }

    // MARK: Events

    /// Keeps what an inbound message says about whether its sender may be written to, unless that was kept with the event.
    ///
    /// - Throws: ``EngineFailure``, retryable, if it could not be kept: the event then waits, so that nothing is sent
    ///   meanwhile on its account.
    func note(_ event: ConversationEvent) async throws {
        guard let word = OptOutWord(event, configuration.optOut) else { return }
        do {
            if let known = try await optOuts.record(of: word.participant)[word.number],
                known == word.entry || known.at > word.entry.at
            {
                return
            }
            try await keep(word)
        } catch let error as EngineError {
            throw EngineFailure("an opt-out could not be kept: \(error.message)", retryable: true)
        }
    }

    /// Keeps that a participant turned messages from a number off or on.
    ///
    /// - Throws: ``EngineError``.
    func keep(_ word: OptOutWord) async throws {
        let fact = try word.fact()
        guard let engine = link.engine else { return await learn([fact]) }
        try await engine.keep([fact])
    }

    /// Takes note of words that were kept: from now on they count.
    func learn(_ facts: [Fact]) async {
        for word in facts.compactMap(OptOutWord.init) where await optOuts.learn(word) {
            let change = OptOutChange(
                participant: word.participant, number: word.number, isOut: word.entry.meaning == .stop,
                word: word.entry.word)
            logger.info(
                "a participant opted \(change.isOut ? "out" : "in")",
                metadata: ["participant": "\(change.participant)", "number": "\(change.number)"])
            observer.withLock { $0 }?(change)
        }
    }

    /// Why a rule is not to start for an event of that number; nil if it may.
    func refusal(of rule: String, pack: String, number: String) -> String? {
        guard let pauses = link.pauses else { return nil }
        let subjects = [PauseSubject.rule(rule), PauseSubject.pack(pack), PauseSubject.number(number)]
        return pauses.first(of: subjects).map { "\($0.subject) is paused: \($0.reason)" }
    }

    // MARK: Effects

    /// Lets an effect pass, or says what holds it.
    ///
    /// In a rehearsal nothing is held or counted, since nothing is performed.
    ///
    /// - Throws: ``CommandFailure``: to hold the run, or what the rule gets.
    func admit(_ kind: RuleCommand, _ input: JSONValue, in context: CommandContext) async throws {
        guard kind.isEffect else { return }
        do {
            let effect = try await reader.read(kind, input, in: context)
            if !context.isRehearsal { try checkPauses(effect) }
            guard effect.reachesParticipant else { return }
            try await checkOptOut(effect)
            guard !context.isRehearsal else { return }
            try await checkQuietHours(effect, context.event)
            guard effect.isMessage else { return }
            try await checkFuses(effect, context)
            remember(effect)
        } catch let error as EngineError {
            throw CommandFailure(
                code: "unavailable", message: "policy could not be looked up: \(error.message)", retryable: true)
        } catch let error as EngineFailure {
            throw CommandFailure(code: "unavailable", message: error.message, retryable: error.retryable)
        }
    }

    /// Looks once more right before an effect that was let pass: an opt-out or a pause may have come while its intent was
    /// written, or while it waited for a turn.
    ///
    /// - Throws: ``CommandFailure``, for what was certainly not tried.
    @discardableResult
    func confirm(
        _ kind: RuleCommand, _ input: JSONValue, in context: CommandContext
    ) async throws -> PolicyEffect {
        do {
            let effect = try await judged(kind, input, context)
            guard !context.isRehearsal else { return effect }
            try checkPauses(effect)
            try await checkOptOut(effect)
            return effect
        } catch var failure as CommandFailure {
            failure.wasNotTried = true
            throw failure
        } catch {
            let message = (error as? EngineError)?.message ?? (error as? EngineFailure)?.message ?? "\(error)"
            throw CommandFailure(
                code: "unavailable", message: "policy could not be looked up: \(message)", retryable: true,
                wasNotTried: true)
        }
    }

    /// Has an effect made that was confirmed, unless an opt-out or a pause comes before it leaves, as it may while a request
    /// waits for a connection.
    ///
    /// - Throws: ``CommandFailure``, for what was certainly not tried; else what `body` throws.
    func watching<Value: Sendable>(
        _ effect: PolicyEffect, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        let refusal = Mutex<CommandFailure?>(nil)
        let check: @Sendable () async throws -> Void = {
            do {
                try self.checkPauses(effect)
                try await self.checkOptOut(effect)
            } catch var failure as CommandFailure {
                failure.wasNotTried = true
                refusal.withLock { $0 = failure }
                throw failure
            }
        }
        do {
            return try await LastLook.$check.withValue(check) { try await body() }
        } catch {
            if let refusal = refusal.withLock({ $0 }) { throw refusal }
            throw error
        }
    }

    /// Takes note of whom a message was sent to: a reaction to it reaches the same.
    func sent(_ id: Message.ID, by effect: PolicyEffect) { reader.holders.sent(id, by: effect) }

    private func remember(_ effect: PolicyEffect) {
        admitted.withLock { admitted in
            if admitted.count >= Self.memoryLimit { admitted = [:] }
            admitted[effect.effect] = effect
        }
    }

    /// The effect as it was let pass, or as it is read anew.
    private func judged(
        _ kind: RuleCommand, _ input: JSONValue, _ context: CommandContext
    ) async throws -> PolicyEffect {
        let key = FuseBox.Effect(invocation: context.invocation.id, position: context.position)
        if let effect = admitted.withLock({ $0.removeValue(forKey: key) }) { return effect }
        return try await reader.read(kind, input, in: context)
    }

    private func checkPauses(_ effect: PolicyEffect) throws(CommandFailure) {
        guard let pauses = link.pauses else { return }
        var subjects = [
            PauseSubject.everything, PauseSubject.rule(effect.rule), PauseSubject.pack(effect.pack),
        ]
        if let number = effect.number { subjects.append(PauseSubject.number(number)) }
        guard let pause = pauses.first(of: subjects) else { return }
        throw .held(Hold(key: pause.subject, reason: "\(pause.subject) is paused: \(pause.reason)"))
    }

    private func checkOptOut(_ effect: PolicyEffect) async throws {
        guard let participant = effect.person,
            let (number, entry) = try await optOuts.stop(of: participant, to: effect.number)
        else { return }
        throw CommandFailure(
            code: "opted_out",
            message: "\(participant) wrote \"\(entry.word)\" to \(number) on \(entry.at), so nothing is sent to them "
                + "from there until they write \"start\"")
    }

    private func checkQuietHours(_ effect: PolicyEffect, _ trigger: Event) async throws {
        let time = now()
        guard let hours = configuration.quietHours, let end = hours.end(at: time),
            try await !isAnswer(effect, trigger, within: hours.answerWindow, of: time)
        else { return }
        let reason = "quiet hours until \(hours.endText) \(hours.zone.identifier)"
        switch hours.action {
        case .hold: throw CommandFailure.held(Hold(key: "quiet_hours", reason: reason, until: end))
        case .refuse: throw CommandFailure(code: "quiet_hours", message: "nothing is sent in the \(reason)")
        }
    }

    /// Whether the participant wrote in the effect's conversation just now.
    private func isAnswer(
        _ effect: PolicyEffect, _ trigger: Event, within window: Duration, of time: Date
    ) async throws -> Bool {
        let start = time.addingTimeInterval(-(window / .seconds(1)))
        guard window > .zero, let conversation = effect.conversation else { return false }
        var events = conversation.rawValue == trigger.queue ? [trigger] : []
        if let engine = link.engine {
            var filter = EventFilter()
            filter.queue = conversation.rawValue
            filter.limit = Self.answerDepth
            events += try await engine.events(filter)
        }
        return events.contains { event in
            guard event.occurredAt >= start, event.kind == ConversationEvent.Kind.message.rawValue else { return false }
            // One that was forgotten has no content.
            guard let content = try? contents.content(of: event) else { return false }
            return content.direction == .inbound
                && ParticipantAddress.spelling(of: content.conversation.participant) == effect.participant
        }
    }
}
