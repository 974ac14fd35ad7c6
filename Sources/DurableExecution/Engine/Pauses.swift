public import Foundation
import Synchronization

/// Something that somebody stopped for a while. What that means is up to the handler.
public struct Pause: Sendable, Hashable {
    /// The subject that stands for everything: while it is paused the engine takes events in and starts no work.
    public static let everything = "all"

    /// What is paused, in the words of those who ask: `rule:acme/photos:heart`, `pack:acme/photos`, `number:+15550001`.
    public var subject: String
    /// Who did it and why, as people read it.
    public var reason: String
    public var at: Date

    public init(subject: String, reason: String, at: Date) {
        self.subject = subject
        self.reason = reason
        self.at = at
    }
}

/// What is paused now, for whoever asks often. The engine keeps it equal to what is stored, from its first write on.
public final class Pauses: Sendable {
    private let pauses = Mutex<[String: Pause]>([:])

    public init() {}

    /// - Returns: nil if the subject is not paused.
    public subscript(subject: String) -> Pause? { pauses.withLock { $0[subject] } }

    /// The first of the subjects that is paused.
    public func first(of subjects: some Sequence<String>) -> Pause? {
        pauses.withLock { pauses in
            guard !pauses.isEmpty else { return nil }
            for subject in subjects { if let pause = pauses[subject] { return pause } }
            return nil
        }
    }

    /// By subject.
    public var all: [Pause] { pauses.withLock { $0.values.sorted { $0.subject < $1.subject } } }

    func replace(by all: [Pause]) {
        let table = Dictionary(all.map { ($0.subject, $0) }, uniquingKeysWith: { $1 })
        pauses.withLock { $0 = table }
    }

    func set(_ pause: Pause) { pauses.withLock { $0[pause.subject] = pause } }

    func remove(_ subject: String) { pauses.withLock { $0[subject] = nil } }
}
