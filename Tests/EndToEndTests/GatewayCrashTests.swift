import Conversations
import CustomDump
import Foundation
import Synchronization
import TestSupport
import Testing

/// The gateway alone, killed under load again and again.
@Suite(.timeLimit(.minutes(3)))
struct GatewayCrashTests {
    private static let rounds = 8

    @Test func `no acknowledged write and no delivery is lost by kills at random instants`() async throws {
        let place = try Workplace()
        let sink = DeliverySink()
        let load = Load()
        // Fixed, so that a failing run can be repeated as far as threads allow it.
        var random = SeededGenerator(seed: 1)
        let instants = (0..<Self.rounds).map { _ in Int.random(in: 10...120, using: &random) }
        try await sink.serve { url in
            for round in 0..<Self.rounds {
                let gateway = try await Self.gateway(place)
                if round == 0 {
                    let set = try await gateway.api.post("/v1/webhooks", ["url": .string(url)])
                    expectNoDifference(set.status, 200)
                }
                await load.run(round, on: gateway, until: instants[round])
            }
            let gateway = try await Self.gateway(place)
            try await Self.audit(load.acknowledged, gateway)
            await sink.receive(Set(load.acknowledged.texts.values.joined()))
            #expect(await gateway.product.stop() == 0)
        }
    }

    private static func gateway(_ place: Workplace) async throws -> GatewayProduct {
        let delays = (0..<20).map { _ in "50ms" }.joined(separator: ",")
        return try await GatewayProduct(place, ["gateway.retry_delays": delays, "log.level": "critical"])
    }

    /// Compares what the gateway has with what it acknowledged.
    private static func audit(_ acknowledged: Load.Acknowledged, _ gateway: GatewayProduct) async throws {
        #expect(acknowledged.texts.values.joined().count > 0 && acknowledged.reactions.count > 0)
        var kept: Set<String> = []
        var reacted: Set<String> = []
        for phone in Set(acknowledged.texts.keys).union(acknowledged.sends.keys) {
            let path = "/sim/phones/%2B\(phone.dropFirst())/messages?limit=200"
            for message in try await gateway.phones.get(path).json["data"]?.items ?? [] {
                let id = message["id"]?.string ?? ""
                kept.insert(id)
                if message["reactions"]?.first?["reactionType"] == "love" { reacted.insert(id) }
            }
        }
        expectNoDifference(Set(acknowledged.texts.values.joined()).subtracting(kept), [])
        expectNoDifference(Set(acknowledged.sends.values.joined()).subtracting(kept), [])
        expectNoDifference(acknowledged.reactions.subtracting(reacted), [])
        for (conversation, count) in acknowledged.metadata {
            let metadata = try await gateway.api.get("/v1/conversations/\(conversation)").json["metadata"]
            guard case .integer(let found)? = metadata?["count"] else {
                Issue.record("the metadata of \(conversation) is lost")
                continue
            }
            // The one in the air at the kill may have been kept or not.
            #expect(found == count || found == count + 1, "\(conversation) has \(found), acknowledged was \(count)")
        }
    }
}

/// Writers, each with a phone of its own in each round, and what was acknowledged to them.
private final class Load: Sendable {
    struct Acknowledged: Sendable {
        /// Ids of messages by phone.
        var texts: [String: [String]] = [:]
        var sends: [String: [String]] = [:]
        var reactions: Set<String> = []
        /// The last count by conversation.
        var metadata: [String: Int64] = [:]
    }

    private let state = Mutex(Acknowledged())

    var acknowledged: Acknowledged { state.withLock { $0 } }

    /// Writes from four tasks, kills the gateway at the given number of answers, and waits for the end of both.
    func run(_ round: Int, on gateway: GatewayProduct, until limit: Int) async {
        let (answers, answered) = AsyncStream<Void>.makeStream()
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    let phone = "+1555\(5550000 + round * 10 + writer)"
                    do {
                        try await self.write(as: phone, on: gateway) { answered.yield() }
                    } catch let refusal as Refusal {
                        Issue.record("the gateway refused: \(refusal.answer.json)")
                    } catch {
                        // The kill cut it off.
                    }
                }
            }
            var count = 0
            for await _ in answers {
                count += 1
                if count == limit { break }
            }
            #expect(await gateway.product.crash() == SIGKILL)
            group.cancelAll()
        }
    }

    private func write(as phone: String, on gateway: GatewayProduct, answered: () -> Void) async throws {
        for count in Int64(0)... {
            let text = try await gateway.phones.post(
                "/sim/messages", ["from": .string(phone), "body": .string("text \(count)")])
            let messages = text.json["message_ids"]?.items.compactMap { $0.string } ?? []
            guard let id = messages.first, let conversation = text.json["conversation_id"]?.string else {
                throw Refusal(text)
            }
            state.withLock { $0.texts[phone, default: []].append(id) }
            answered()
            let send = try await gateway.api.post(
                "/v1/messages",
                ["from_number": "+15555550100", "to_number": .string(phone), "body": .string("answer \(count)")])
            guard let sent = send.json["id"]?.string else { throw Refusal(send) }
            state.withLock { $0.sends[phone, default: []].append(sent) }
            answered()
            let path = "/v1/conversations/\(conversation)"
            let patch = try await gateway.api.patch(path, ["metadata": ["count": .integer(count)]])
            guard patch.status == 200 else { throw Refusal(patch) }
            state.withLock { $0.metadata[conversation] = count }
            answered()
            let reaction = try await gateway.api.post("/v1/messages/\(id)/reactions", ["reaction": "love"])
            guard reaction.status == 200 else { throw Refusal(reaction) }
            state.withLock { _ = $0.reactions.insert(id) }
            answered()
        }
    }
}

/// A call that was answered with an error.
private struct Refusal: Error {
    var answer: HTTP.Answer

    init(_ answer: HTTP.Answer) { self.answer = answer }
}
