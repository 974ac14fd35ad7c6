import Conversations
import DurableExecution
import Foundation
import Logging
import Synchronization

/// Judges how much a rule asks of the API, beside what ``Policy`` says of each single effect; one too many pauses the rule.
final class RatePolicy: Sendable {
    private let rates: Mutex<CommandRates>
    private let contents: EventContents
    private let link: EngineLink
    private let now: @Sendable () -> Date
    private let logger: Logger

    init(
        _ fuses: Fuses, contents: EventContents, link: EngineLink, now: @escaping @Sendable () -> Date, logger: Logger
    ) {
        rates = Mutex(CommandRates(fuses))
        self.contents = contents
        self.link = link
        self.now = now
        self.logger = logger
    }

    /// Counts a command at its first try. In a rehearsal nothing is counted.
    ///
    /// - Throws: ``CommandFailure`` that holds the run until its rule is resumed.
    func admit(_ command: RuleCommand, _ input: JSONValue, in context: CommandContext) async throws {
        guard !context.isRehearsal, context.attempt == 1, let kind = kind(of: command, input, context.event) else {
            return
        }
        let rule = context.invocation.rule
        let time = now()
        let isLate = context.heldFor > .zero || context.isCatchingUp
        switch rates.withLock({ $0.admit(kind, of: rule, at: time, isLate: isLate) }) {
        case .pass: return
        case .wait(let until, let reason):
            throw CommandFailure.held(Hold(key: Policy.rateKey, reason: reason, until: until))
        case .blown(let reason): try await pause(rule, because: reason)
        }
    }

    /// - Throws: ``CommandFailure`` that holds the run until its rule is resumed.
    private func pause(_ rule: String, because reason: String) async throws {
        logger.error(
            "a fuse blew, and its rule is paused until somebody resumes it",
            metadata: ["rule": "\(rule)", "reason": "\(reason)"])
        let subject = PauseSubject.rule(rule)
        do throws(EngineError) {
            try await link.engine?.pause(subject, reason: reason)
        } catch {
            throw CommandFailure(
                code: "unavailable", message: "a pause could not be kept: \(error.message)", retryable: true)
        }
        throw CommandFailure.held(Hold(key: subject, reason: "\(subject) is paused: \(reason)"))
    }

    private func kind(of command: RuleCommand, _ input: JSONValue, _ event: Event) -> CommandRates.Kind? {
        guard command == .send else { return CommandRates.Kind(command) }
        // Another spelling of the same person counts too, which harms nobody.
        let participant = (try? contents.content(of: event))?.conversation.participant
        return input["to"]?.string == participant ? nil : .broadcasts
    }
}
