import DurableExecution
import Foundation
import Logging
import Metrics
import Synchronization

/// What the fuses say about effects and runs, and what follows from it.
extension Policy {
    /// The hold key of effects that have their turn later, so as to stay within a rate.
    static let rateKey = "rate"

    /// Counts a run that was stopped for using up a limit; one too many pauses its rule.
    func stopped(_ invocation: String, of rule: String) async {
        let time = now()
        guard let blown = fuses.withLock({ $0.stopped(invocation, of: rule, at: time) }) else { return }
        // The run has ended; if the pause can't be kept, the next stop comes here again.
        try? await pause(blown)
    }

    func checkFuses(_ effect: PolicyEffect, _ context: CommandContext) async throws {
        let time = now()
        let request = FuseBox.Request(
            effect: effect.effect, rule: effect.rule,
            person: effect.participant.map { FuseBox.Person(participant: $0, number: effect.number) },
            number: effect.number, wasHeld: context.heldFor > .zero, isCatchingUp: context.isCatchingUp)
        while true {
            switch fuses.withLock({ $0.admit(request, at: time) }) {
            case .pass:
                return
            case .wait(let until, let group, let rate):
                count("waits", group)
                throw CommandFailure.held(
                    Hold(
                        key: Self.rateKey, reason: "what was held up goes out at no more than \(rate) \(group.words)",
                        until: until))
            case .stopped(let stop):
                throw failure(stop)
            case .othersStopped(let stop):
                tell(stop)
            case .blown(let blown):
                try await pause(blown)
                guard blown.rule != effect.rule else {
                    throw CommandFailure.held(
                        Hold(key: PauseSubject.rule(blown.rule), reason: "\(blown.rule) is paused: \(blown.reason)"))
                }
            }
        }
    }

    private func failure(_ stop: FuseBox.Stop) -> CommandFailure {
        let reason =
            "fuse: more than \(stop.rate) sends and reactions to \(stop.person.participant) "
            + "(policy.fuses.conversation); \(stop.rule) sends them nothing until \(stop.until.formatted(.iso8601))"
        if stop.isNew { tell(stop) }
        Counter(label: "tidewire_policy_effects_refused", dimensions: [("code", "fuse_blown")]).increment()
        return CommandFailure(code: "fuse_blown", message: reason)
    }

    /// Tells of a stop that just began.
    private func tell(_ stop: FuseBox.Stop) {
        count("blown", .person(stop.person))
        logger.error(
            "a fuse blew, and the rule sends this person nothing for a while",
            metadata: [
                "rule": "\(stop.rule)", "participant": "\(stop.person.participant)",
                "until": "\(stop.until.formatted(.iso8601))", "times": "\(stop.times)",
            ])
    }

    private func pause(_ blown: FuseBox.Blown) async throws(EngineError) {
        count("blown", blown.group)
        logger.error(
            "a fuse blew, and its rule is paused until somebody resumes it",
            metadata: ["rule": "\(blown.rule)", "reason": "\(blown.reason)"])
        try await link.engine?.pause(PauseSubject.rule(blown.rule), reason: blown.reason)
    }

    private func count(_ what: String, _ group: FuseBox.Group) {
        Counter(label: "tidewire_policy_fuse_\(what)", dimensions: [("fuse", group.name)]).increment()
    }
}

extension FuseBox.Group {
    /// The setting's name.
    fileprivate var name: String {
        switch self {
        case .person: "conversation"
        case .rule: "rule"
        case .number: "number"
        case .stops: "stops"
        }
    }

    fileprivate var words: String {
        switch self {
        case .person(let person): "to \(person.participant)"
        case .rule: "by this rule"
        case .number(let number): "from \(number)"
        case .stops(let rule): "of \(rule)"
        }
    }
}
