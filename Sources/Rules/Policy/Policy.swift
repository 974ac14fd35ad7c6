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

    private let configuration: PolicyConfiguration
    private let reader: EffectReader
    private let contents: EventContents
    private let link: EngineLink
    let optOuts: OptOuts
    private let fuses: Mutex<FuseBox>
    private let observer = Mutex<(@Sendable (OptOutChange) -> Void)?>(nil)
    private let now: @Sendable () -> Date
    private let logger: Logger

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

    /// Keeps what an inbound message says about whether its sender may be written to. A group's member speaks for the
    /// thread between them and the number, not for the group.
    ///
    /// - Throws: ``EngineFailure``, retryable, if it could not be kept: the event then waits, so that nothing is sent
    ///   meanwhile on its account.
    func note(_ event: ConversationEvent) async throws {
        guard event.kind == .message, event.direction == .inbound, let message = event.message,
            let meaning = configuration.optOut.meaning(of: message.body)
        else { return }
        let sender = message.senderIdentifier ?? message.fromNumber
        let number = event.conversation.number.isEmpty ? message.toNumber : event.conversation.number
        do {
            try await note(meaning, word: message.body, of: sender, to: number, at: message.receivedAt)
        } catch let error as EngineError {
            throw EngineFailure("an opt-out could not be kept: \(error.message)", retryable: true)
        }
    }

    /// Keeps that a participant turned messages from a number off or on.
    ///
    /// - Throws: ``EngineError``.
    func note(
        _ meaning: OptOutWords.Meaning, word: String, of participant: String, to number: String, at time: Timestamp
    ) async throws {
        let (participant, number) = (ParticipantAddress(participant), ParticipantAddress(number))
        let entry = OptOuts.Entry(meaning: meaning, at: time, word: word)
        guard try await optOuts.note(entry, of: participant, to: number) else { return }
        let change = OptOutChange(
            participant: participant.text, number: number.text, isOut: meaning == .stop, word: word)
        logger.info(
            "a participant opted \(change.isOut ? "out" : "in")",
            metadata: ["participant": "\(change.participant)", "number": "\(change.number)"])
        observer.withLock { $0 }?(change)
    }

    /// Why a rule is not to start for an event of that number; nil if it may.
    func refusal(of rule: String, pack: String, number: String) -> String? {
        guard let pauses = link.pauses else { return nil }
        let subjects = [PauseSubject.rule(rule), PauseSubject.pack(pack), PauseSubject.number(number)]
        return pauses.first(of: subjects).map { "\($0.subject) is paused: \($0.reason)" }
    }

    /// Counts a run that was stopped for using up a limit; one too many pauses its rule.
    func stopped(_ invocation: String, of rule: String) async {
        let time = now()
        guard let blown = fuses.withLock({ $0.stopped(invocation, of: rule, at: time) }) else { return }
        // The run has ended; if the pause can't be kept, the next stop comes here again.
        try? await pause(blown)
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
            if effect.isMessage { try await checkFuses(effect) }
        } catch let error as EngineError {
            throw CommandFailure(
                code: "unavailable", message: "policy could not be looked up: \(error.message)", retryable: true)
        } catch let error as EngineFailure {
            throw CommandFailure(code: "unavailable", message: error.message, retryable: error.retryable)
        }
    }

    private func checkPauses(_ effect: PolicyEffect) throws(CommandFailure) {
        guard let pauses = link.pauses else { return }
        var subjects = [PauseSubject.rule(effect.rule), PauseSubject.pack(effect.pack)]
        if let number = effect.number { subjects.append(PauseSubject.number(number.text)) }
        guard let pause = pauses.first(of: subjects) else { return }
        throw .held(Hold(key: pause.subject, reason: "\(pause.subject) is paused: \(pause.reason)"))
    }

    private func checkOptOut(_ effect: PolicyEffect) async throws {
        guard let participant = effect.participant, !participant.isGroup,
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
                && ParticipantAddress(content.conversation.participant) == effect.participant
        }
    }

    private func checkFuses(_ effect: PolicyEffect) async throws {
        let time = now()
        while true {
            let blown = fuses.withLock {
                $0.admit(
                    effect.effect, of: effect.rule, conversation: effect.conversation?.rawValue,
                    number: effect.number?.text, at: time)
            }
            guard let blown else { return }
            try await pause(blown)
            guard blown.rule != effect.rule else {
                throw CommandFailure.held(
                    Hold(key: PauseSubject.rule(blown.rule), reason: "\(blown.rule) is paused: \(blown.reason)"))
            }
        }
    }

    private func pause(_ blown: FuseBox.Blown) async throws(EngineError) {
        logger.error(
            "a fuse blew, and its rule is paused until somebody resumes it",
            metadata: ["rule": "\(blown.rule)", "reason": "\(blown.reason)"])
        try await link.engine?.pause(PauseSubject.rule(blown.rule), reason: blown.reason)
    }
}
