import Conversations
import DurableExecution
import Foundation
import Packs

/// What was erased of a person, and what could not be.
public struct ForgetReport: Sendable, Hashable, Codable {
    /// In the spelling in which addresses are compared.
    public var participant: String
    /// Their conversations, and the queues of their calls.
    public var conversations: [String]
    public var events: Int
    public var invocations: Int
    /// Values that rules kept for these conversations.
    public var values: Int
    /// Conversations whose metadata were cleared at the API.
    public var clearedMetadata: [String]
    /// What is left, where, and why; for people.
    public var left: [String]
}

extension RuleHost {
    /// Erases what is known of a participant: events, journals, logs, what rules kept for their conversations, and the
    /// conversations' metadata at the API.
    ///
    /// Their opt-outs stay, since they would be written to again otherwise, and so do messages at the API, which has no
    /// call to delete them; the report says so. Runs under way in their conversations are cancelled.
    ///
    /// - Parameter participant: Number or e-mail address, in any usual spelling.
    /// - Throws: ``EngineError``; what was erased until then stays erased, and calling again goes on.
    public func forget(_ participant: String) async throws -> ForgetReport {
        guard let engine = link.engine else { throw EngineError(.conflict, "no engine is connected") }
        guard ParticipantAddress(participant) != nil else {
            throw EngineError(
                .badInput, "\(participant) is no address; write a phone number as +15551234567, or an e-mail address")
        }
        let address = ParticipantAddress.spelling(of: participant)
        var traces = Traces(address: address)
        await findConversations(&traces)
        try await findEvents(&traces, in: engine)
        let queues = traces.queues.sorted()
        let packs = try await packs(in: queues, engine)
        let scopes = packs.sorted().flatMap { pack in
            queues.map { RuleCommand.storeScope(pack: pack, conversation: $0) }
        }
        try await policy.optOuts.carryOver(address)
        let notes = queues.map { MetadataLedger.scope(Conversation.ID($0)) }
        let forgotten = try await engine.forget(queues: queues, scopes: scopes + notes)
        executor.ledger.forget(queues.map { Conversation.ID($0) })
        contents.forget()
        waitRequests.forget()
        var report = ForgetReport(
            participant: address, conversations: queues, events: forgotten.events,
            invocations: forgotten.invocations, values: forgotten.values, clearedMetadata: [], left: traces.left)
        report.left += Self.remnants(forgotten.remnants)
        if isDryRun {
            let ids = traces.conversations.filter { $0.metadata != nil }.map(\.id.rawValue).sorted()
            if !ids.isEmpty {
                report.left.append("the metadata at the API, since this host runs dry: \(ids.joined(separator: ", "))")
            }
        } else {
            await clearMetadata(of: traces.conversations, &report)
        }
        try await noteWhatStays(&report, address)
        return report
    }

    /// Where a person was found.
    private struct Traces {
        let address: String
        var queues: Set<String> = []
        /// As the API has them.
        var conversations: [Conversation] = []
        var groups: Set<String> = []
        var problem: String?

        var left: [String] {
            var left = problem.map { [$0] } ?? []
            if !groups.isEmpty {
                left.append(
                    "what they wrote in groups, since it is the others' too: \(groups.sorted().joined(separator: ", "))"
                )
            }
            return left
        }
    }

    private func findConversations(_ traces: inout Traces) async {
        do {
            for try await conversation in api.allConversations()
            where ParticipantAddress.spelling(of: conversation.participant) == traces.address {
                traces.queues.insert(conversation.id.rawValue)
                traces.conversations.append(conversation)
            }
        } catch {
            traces.problem =
                "the conversations at the API, which could not be listed (\(error.message)): their metadata stay until "
                + "this is run again"
        }
    }

    private func findEvents(_ traces: inout Traces, in engine: Engine) async throws(EngineError) {
        traces.queues.formUnion(try await engine.queues(of: PersonKey.participant(traces.address)))
        traces.groups.formUnion(try await engine.queues(of: PersonKey.sender(traces.address)))
        try await findEarlierEvents(&traces, in: engine)
        traces.groups.subtract(traces.queues)
    }

    /// Looks through what was kept by a version that did not note whom it is about.
    private func findEarlierEvents(_ traces: inout Traces, in engine: Engine) async throws(EngineError) {
        var filter = EventFilter()
        filter.limit = 500
        filter.before = try await engine.lastWithoutKeys() + 1
        while true {
            let page = try await engine.events(filter)
            for event in page {
                guard let content = try? JSON.decode(ConversationEvent.self, from: event.payload) else { continue }
                if ParticipantAddress.spelling(of: content.conversation.participant) == traces.address {
                    traces.queues.insert(event.queue)
                } else if ParticipantAddress.spelling(of: content.sender) == traces.address {
                    traces.groups.insert(event.queue)
                }
            }
            guard page.count == filter.limit else { return }
            filter.before = page.last?.sequence
        }
    }

    /// Every pack that may have kept something for these conversations.
    private func packs(in queues: [String], _ engine: Engine) async throws -> Set<String> {
        var packs = try await book.packNames()
        for queue in queues {
            var filter = InvocationFilter()
            filter.queue = queue
            filter.limit = 1000
            while true {
                let page = try await engine.invocations(filter)
                packs.formUnion(page.map { String($0.rule.prefix { $0 != ":" }) })
                guard page.count == filter.limit else { break }
                filter.before = page.last?.id
            }
        }
        return packs
    }

    private static func remnants(_ remnants: Remnants) -> [String] {
        var left: [String] = []
        if remnants.contains(.log) {
            left.append(
                "copies in the database's log, which somebody reads (a backup?): run this again once they are done")
        }
        if remnants.contains(.pages) {
            left.append(
                "copies in unused parts of the database's pages, until they are used again; a backup has none of them")
        }
        return left
    }

    private func clearMetadata(of conversations: [Conversation], _ report: inout ForgetReport) async {
        for conversation in conversations {
            do {
                _ = try await executor.metadata.replace(conversation.id, with: nil)
                if conversation.metadata != nil { report.clearedMetadata.append(conversation.id.rawValue) }
            } catch {
                report.left.append(
                    "the metadata of \(conversation.id) at the API: \((error as? APIError)?.message ?? "\(error)")")
            }
        }
    }

    private func noteWhatStays(_ report: inout ForgetReport, _ address: String) async throws(EngineError) {
        if !report.conversations.isEmpty {
            report.left.append("their messages at the API, which has no call to delete them")
            report.left.append("what rules kept about them in their packs' own stores, which only the rules know")
            report.left.append(
                "what rules of other conversations read of them or wrote to them, until retention.events deletes it")
        }
        if try await !policy.optOuts.record(of: address).isEmpty {
            report.left.append(
                "that they opted out, so that they are not written to again; it is kept under a hash of their address")
        }
    }
}

/// By what a person's queues are found in the engine; see `NewEvent.keys`.
enum PersonKey {
    /// Of a conversation with them.
    static func participant(_ address: String) -> String { "participant:" + ParticipantAddress.spelling(of: address) }
    /// Of one where they wrote, a group or their own.
    static func sender(_ address: String) -> String { "sender:" + ParticipantAddress.spelling(of: address) }
}
