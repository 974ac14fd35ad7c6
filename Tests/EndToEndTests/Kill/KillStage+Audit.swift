import Conversations
import CustomDump
import Foundation
import Synchronization
import Testing

/// Holding what host and gateway did against what they were given.
///
/// The rule counts each message, tells the count in its answer, and puts a heart on the message. What is promised of the
/// order is that a conversation's messages have their turns as they were sent, whichever was known first: what was missed
/// while nothing ran is read before webhooks are taken and rules begin. So the count in each answer is the message's place
/// among those that were sent, without exception.
///
/// The answers themselves may change places, in one case: a run that is put off lets the next message have its turn. It
/// is put off while it waits for a retry (here: an increment whose answer was lost), for the API to answer again, for the
/// second look for a send that the first look did not find, or for a person. So of two answers in another order than
/// their messages, the one that came late must be of a run that was taken up again after that.
extension KillStage {
    func audit() async throws {
        let sent = sent.withLock { $0 }
        let events = try await list("events")
        let inbound = events.filter { $0["content"]?["message"]?["direction"]?.string == "inbound" }
        expectNoDifference(inbound.compactMap(Self.messageID).sorted(), sent.map(\.message).sorted())
        expectNoDifference(Set(inbound.compactMap { $0["state"]?.string }), ["done"])

        let runs = try await list("runs")
        expectNoDifference(runs.count, sent.count)
        let unfinished = runs.filter { $0["state"]?.string != "finished" }
        expectNoDifference(unfinished, [])

        auditEffects()
        let putOff = putOff(runs, inbound)
        let conversations = Dictionary(grouping: sent, by: \.conversation)
        var late = 0
        for (conversation, sent) in conversations.sorted(by: { $0.key < $1.key }) {
            let texts = sent.map(\.body)
            let answers = try await audit(conversation, texts)
            let overtaken = Self.overtaken(answers, sent: texts)
            expectNoDifference(overtaken.subtracting(putOff), [], "answered late, and not put off: \(answers)")
            late += overtaken.count
        }
        print("KillTests: \(sent.count) messages, \(conversations.count) conversations,", terminator: " ")
        print("\(repeated.withLock { $0.count }) sent again by hand, \(putOff.count) put off, \(late) answered late")
    }

    /// Nothing that may not be repeated was tried twice, unless a person said so.
    private func auditEffects() {
        let repeated = repeated.withLock { $0 }
        let effects = Dictionary(grouping: proxy.effects, by: \.self).mapValues(\.count)
            .map { effect, count in (effect, count - repeated.count(where: effect.contains)) }
        expectNoDifference(effects.filter { $0.1 > 1 }.map(\.0), [], "an effect was tried twice")
    }

    /// Texts whose runs let others pass.
    private func putOff(_ runs: [JSONValue], _ events: [JSONValue]) -> Set<String> {
        let again = runs.filter { if case .integer(let attempt) = $0["attempt"] { attempt > 1 } else { false } }
        let sequences = Set(again.map { $0["event"] })
        let texts = events.filter { sequences.contains($0["sequence"]) }
            .compactMap { $0["content"]?["message"]?["body"]?.string }
        return decided.withLock { $0 }.union(texts)
    }

    /// Every text has one heart and one answer, and was counted once by metadata and store, in the order of sending.
    ///
    /// - Returns: The texts in the order in which they were answered.
    private func audit(_ conversation: String, _ texts: [String]) async throws -> [String] {
        let messages = try await messages(of: conversation)
        let answers = messages.filter { $0["direction"]?.string == "outbound" }.compactMap { $0["body"]?.string }
        let expected = texts.enumerated().map { "got \($1) as \($0 + 1)" }
        expectNoDifference(answers.sorted(), expected.sorted(), "answers in \(conversation)")
        let hearts = messages.filter { $0["direction"]?.string == "inbound" }.map { $0["reactions"]?.items.count }
        expectNoDifference(hearts, texts.map { _ in 1 }, "hearts in \(conversation)")
        let seen = try await api.get("/v1/conversations/\(conversation)").json["metadata"]?["seen"]
        expectNoDifference(seen, .integer(Int64(texts.count)), "metadata of \(conversation)")
        return answers.compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) }
    }

    /// Texts answered after one that was sent later.
    private static func overtaken(_ answers: [String], sent texts: [String]) -> Set<String> {
        let places = Dictionary(uniqueKeysWithValues: texts.enumerated().map { ($1, $0) })
        var latest = -1
        var overtaken: Set<String> = []
        for answer in answers {
            guard let place = places[answer] else { continue }
            if place < latest { overtaken.insert(answer) }
            latest = max(latest, place)
        }
        return overtaken
    }
}
