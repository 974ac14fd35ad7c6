import Foundation

/// What an invocation did before, read along while its program runs again.
struct Journal {
    enum Verdict: Equatable {
        /// Done before: the program gets what it got then.
        case replay(ProgramInput)
        /// To be done; the entry as it stands, at its place, with tries and checkpoint of before.
        case perform(JournalEntry)
        /// It may have been done when the process ended, and must not be repeated.
        case unknown(JournalEntry)
        /// The program asks for something else than it did before; says what.
        case diverged(String)
    }

    let invocation: String
    private let recorded: [JournalEntry]
    /// The place of the first of them.
    private let start: Int
    /// The place of the next command.
    private(set) var position: Int
    /// Whether any of its commands was held.
    let wasHeld: Bool

    /// - Parameters:
    ///   - recorded: What is recorded from `start` on.
    ///   - start: The place of the program's next command: 0 unless it was kept.
    /// - Throws: ``EngineError``, `corrupted`, if places are missing.
    init(_ invocation: String, recorded: [JournalEntry], from start: Int = 0) throws(EngineError) {
        guard recorded.map(\.position) == Array(start..<start + recorded.count) else {
            throw EngineError(.corrupted, "the journal of \(invocation) has gaps: \(recorded.map(\.position))")
        }
        self.invocation = invocation
        self.recorded = recorded
        self.start = start
        position = start
        wasHeld = recorded.contains { $0.heldAt != nil || $0.heldFor > .zero }
    }

    /// Whether what the program does next was recorded already, its log lines included.
    var isReplaying: Bool { position < start + recorded.count }

    /// Whether something about the command at `place` was recorded before this run.
    func holds(_ place: Int) -> Bool { place < start + recorded.count }

    /// Decides about the program's next command and moves on by one.
    mutating func take(_ command: Command, at time: Date) -> Verdict {
        defer { position += 1 }
        guard isReplaying else {
            return .perform(
                JournalEntry(
                    invocation: invocation, position: position, name: command.name, input: command.input,
                    effect: command.effect.name, location: command.location, intendedAt: time,
                    inboxQueue: command.answersIn))
        }
        let entry = recorded[position - start]
        guard entry.name == command.name, entry.input == command.input else {
            return .diverged(Self.divergence(entry, command.name, command.input, command.location))
        }
        return verdict(entry, isOnce: command.effect == .once)
    }

    private func verdict(_ entry: JournalEntry, isOnce: Bool) -> Verdict {
        switch (entry.state, entry.outcome, entry.failure) {
        case (.succeeded, let outcome?, _): .replay(.outcome(outcome))
        case (.failed, _, let failure?): .replay(.failure(failure))
        case (.unknown, _, _), (.missing, _, _): .unknown(entry)
        case (.intended, _, _) where isOnce || entry.effect == Effect.once.name: .unknown(entry)
        case (.intended, _, _), (.retrying, _, _), (.held, _, _), (.waiting, _, _): .perform(entry)
        case (.succeeded, nil, _), (.failed, _, nil):
            .diverged("diverged at command \(entry.position): the record of \(entry.name) has no outcome")
        }
    }

    /// Says how the program diverged if it ends now; nil if it did all that was recorded.
    func divergenceAtEnd() -> String? {
        guard isReplaying else { return nil }
        let entry = recorded[position - start]
        return "diverged at command \(position): recorded \(Self.describe(entry.name, entry.input, entry.location)), "
            + "now the rule ends"
    }

    private static func divergence(_ entry: JournalEntry, _ name: String, _ input: Data, _ location: String?) -> String
    {
        "diverged at command \(entry.position): recorded \(describe(entry.name, entry.input, entry.location)), "
            + "now attempted \(describe(name, input, location))"
    }

    /// A command as people read it, cut short.
    static func describe(_ name: String, _ input: Data, _ location: String?) -> String {
        let text = String(decoding: input.prefix(200), as: UTF8.self) + (input.count > 200 ? "…" : "")
        return "\(name) \(text)" + (location.map { " at \($0)" } ?? "")
    }
}
