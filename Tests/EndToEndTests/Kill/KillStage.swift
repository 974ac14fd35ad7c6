import Conversations
import CustomDump
import Foundation
import Synchronization
import Testing

/// A gateway and a host that are started again and again, and the proxy between them.
final class KillStage: Sendable {
    private struct Sent {
        var message: String
        var conversation: String
        var body: String
    }

    /// The gateway as it runs now.
    private struct Gateway {
        var product: Product
        var phones: HTTP
        var api: HTTP
    }

    let proxy = KillingProxy()
    private let place: Workplace
    private let gatewayPlace: Workplace
    private let gateway: Mutex<Gateway>
    private let url = Mutex<(proxy: String, secret: String)?>(nil)
    private let sent = Mutex<[Sent]>([])
    /// Messages whose answer a person decided about, so that it may come late.
    private let decided = Mutex<Set<String>>([])
    /// What a person had sent again, since it had not taken place: the text, or the message reacted to.
    private let repeated = Mutex<[String]>([])
    private let gatewayStarts = Mutex(UInt64(0))

    init(rule: String) async throws {
        place = try Workplace()
        gatewayPlace = try Workplace()
        try place.save(rule, as: "answer")
        gateway = Mutex(try await Self.startGateway(gatewayPlace))
    }

    private static func startGateway(_ place: Workplace) async throws -> Gateway {
        // Deliveries that nobody took come again soon, and not for ever: polling finds the rest.
        let started = try await GatewayProduct(place, ["gateway.retry_delays": "100ms,300ms,1s"])
        return Gateway(product: started.product, phones: started.phones, api: started.api)
    }

    private var phones: HTTP { gateway.withLock { $0.phones } }
    private var api: HTTP { gateway.withLock { $0.api } }

    /// Loses the answers of some effects: what took place, and nobody hears of it.
    private func loseAnswers() async throws {
        proxy.gateway = api.base
        let seed = gatewayStarts.withLock { starts in
            starts += 1
            return starts
        }
        for (operation, rate) in [("sendMessage", 0.03), ("sendReaction", 0.03), ("updateConversation", 0.05)] {
            let answer = try await phones.post(
                "/sim/faults",
                [
                    "kind": "lose_answer", "operation": .string(operation), "rate": .number(rate),
                    "seed": .integer(Int64(seed)),
                ])
            expectNoDifference(answer.status, 200, "\(answer.json)")
        }
    }

    /// Has the gateway killed at one of the host's next requests, and starts it again on what it kept.
    func killGateway(after passes: Int) async throws {
        let product = gateway.withLock { $0.product }
        proxy.arm(["GET", "PATCH", "POST"], after: passes, .beforeEffect, process: product.processIdentifier)
        #expect(await product.exit() == SIGKILL)
        let next = try await Self.startGateway(gatewayPlace)
        gateway.withLock { $0 = next }
        try await loseAnswers()
    }

    func run(_ body: @escaping @Sendable (KillStage) async throws -> Void) async throws {
        try await LoopbackServer.serve(proxy.respond) { [self] base in
            let webhook = try await api.post("/v1/webhooks", ["url": .string(base + "/webhook")])
            let secret = try #require(webhook.json["secret"]?.string, "\(webhook.json)")
            url.withLock { $0 = (base, secret) }
            try await loseAnswers()
            try await body(self)
        }
        #expect(await gateway.withLock { $0.product }.stop() == 0)
    }

    func startHost() async throws -> Product {
        let (base, secret) = try #require(url.withLock { $0 })
        proxy.setWebhook(nil)
        let settings = [
            "api.base_url": base, "source": "both", "poll.interval": "100ms", "limits.retry_first_delay": "50ms",
            "limits.retry_longest_delay": "200ms", "api.look_again_after": "200ms", "policy.fuses.conversation": "off",
            "policy.fuses.rule": "off", "policy.fuses.number": "off",
        ]
        let host = try Product(
            place.arguments("serve", settings, [place.pack.path]),
            environment: ["TIDEWIRE_API_KEY": try #require(api.token), "TIDEWIRE_WEBHOOK_SECRETS": secret])
        let line = try #require(
            await host.output.next(holding: "  webhooks  "), "it did not start: \(host.errors.all)")
        proxy.setWebhook(line.split(separator: " ").last.map(String.init))
        return host
    }

    func text(_ body: String, from phone: String) async throws {
        let answer = try await phones.post("/sim/messages", ["from": .string(phone), "body": .string(body)])
        let new = Sent(
            message: try #require(answer.json["message_ids"]?.first?.string, "\(answer.json)"),
            conversation: try #require(answer.json["conversation_id"]?.string), body: body)
        sent.withLock { $0.append(new) }
    }

    /// Has the gateway answer each call of the API late.
    func slowDown(seconds: Double) async throws {
        let answer = try await phones.post("/sim/faults", ["kind": "delay", "seconds": .number(seconds)])
        expectNoDifference(answer.status, 200, "\(answer.json)")
    }

    /// Checks that nothing is left to a person.
    func expectNothingParked() async throws {
        let parked = try await list("runs", ["--state", "parked", "--limit", "1000"])
        expectNoDifference(parked, [])
    }

    /// Waits until everything that was texted is an event, and nothing runs any more.
    func settle() async throws {
        proxy.disarm()
        let wanted = Set(sent.withLock { $0.map(\.message) })
        while true {
            try Task.checkCancellation()
            guard try await list("runs", ["--state", "running,retrying,queued,held"]).isEmpty else { continue }
            let events = try await list("events")
            let open = events.contains { ["pending", "running"].contains($0["state"]?.string) }
            if !open, wanted.isSubset(of: events.compactMap(Self.messageID)) { return }
        }
    }

    /// Decides about each parked run as a person would who looks at the conversation.
    func decideParked() async throws {
        for run in try await list("runs", ["--state", "parked"]) {
            let id = try #require(run["id"]?.string)
            let trace = try await json(["trace", id])
            let commands = trace["runs"]?.first?["commands"]?.items ?? []
            let unknown = try #require(commands.last, "a parked run without a command: \(trace)")
            if let text = trace["event"]?["content"]?["message"]?["body"]?.string {
                decided.withLock { _ = $0.insert(text) }
            }
            let tookPlace = try await tookPlace(unknown, conversation: try #require(run["conversation"]?.string))
            if !tookPlace {
                let body = unknown["input"]?["body"]?.string.map { "\"\($0)\"" }
                let what = unknown["input"]?["message_id"]?.string ?? body ?? "?"
                repeated.withLock { $0.append(what) }
            }
            let result = try await Product.run(
                ["runs", "resolve", id, tookPlace ? "--sent" : "--resend", "--state-directory", place.state.path])
            expectNoDifference(result.status, 0, "\(result.errors)")
        }
    }

    private func tookPlace(_ command: JSONValue, conversation: String) async throws -> Bool {
        let messages = try await messages(of: conversation)
        if let reaction = command["input"]?["message_id"]?.string {
            return messages.first { $0["id"]?.string == reaction }?["reactions"]?.items.isEmpty == false
        }
        return messages.contains { $0["body"] == command["input"]?["body"] && $0["direction"]?.string == "outbound" }
    }

    // MARK: Audit

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

        let repeated = repeated.withLock { $0 }
        let effects = Dictionary(grouping: proxy.effects, by: \.self).mapValues(\.count)
            .map { effect, count in (effect, count - repeated.count(where: effect.contains)) }
        expectNoDifference(effects.filter { $0.1 > 1 }.map(\.0), [], "an effect was tried twice")
        let inOrder = inbound.sorted { Self.sequence($0) < Self.sequence($1) }
        let accepted = Dictionary(grouping: inOrder, by: { $0["conversation"]?.string ?? "" })
        var overtaken = 0
        for (conversation, sent) in Dictionary(grouping: sent, by: \.conversation).sorted(by: { $0.key < $1.key }) {
            let bodies = accepted[conversation, default: []].compactMap { $0["content"]?["message"]?["body"]?.string }
            let answers = try await audit(conversation, bodies)
            let texts = sent.map { "got " + $0.body }.filter(answers.contains)
            if answers != texts { overtaken += 1 }
        }
        print("KillTests: \(sent.count) messages, \(accepted.count) conversations,", terminator: " ")
        print("\(decided.withLock { $0.count }) decided by hand, \(overtaken) answered in another order than sent")
    }

    /// Every text has one heart and one answer, the answers come in the order in which the texts were accepted, and all
    /// were counted once.
    ///
    /// - Returns: The answers that nobody had to decide about, in order.
    private func audit(_ conversation: String, _ texts: [String]) async throws -> [String] {
        let messages = try await messages(of: conversation)
        let answers = messages.filter { $0["direction"]?.string == "outbound" }.compactMap { $0["body"]?.string }
        expectNoDifference(answers.sorted(), texts.map { "got " + $0 }.sorted())
        let late = Set(decided.withLock { $0 }.map { "got " + $0 })
        let prompt = answers.filter { !late.contains($0) }
        expectNoDifference(prompt, texts.map { "got " + $0 }.filter { !late.contains($0) })
        let hearts = messages.filter { $0["direction"]?.string == "inbound" }.map { $0["reactions"]?.items.count }
        expectNoDifference(hearts, texts.map { _ in 1 })
        let seen = try await api.get("/v1/conversations/\(conversation)").json["metadata"]?["seen"]
        expectNoDifference(seen, .integer(Int64(texts.count)))
        return prompt
    }

    /// A conversation's messages, oldest first.
    private func messages(of conversation: String) async throws -> [JSONValue] {
        let page = try await api.get("/v1/conversations/\(conversation)/messages?limit=200").json
        #expect(page["hasMore"] != true)
        return (page["data"]?.items ?? []).reversed()
    }

    private static func sequence(_ event: JSONValue) -> Int64 {
        if case .integer(let sequence) = event["sequence"] { sequence } else { 0 }
    }

    private static func messageID(_ event: JSONValue) -> String? { event["content"]?["message"]?["id"]?.string }

    /// All pages of a listing.
    private func list(_ command: String, _ arguments: [String] = []) async throws -> [JSONValue] {
        var all: [JSONValue] = []
        while true {
            let last = all.last.map { $0["id"]?.string ?? "\(Self.sequence($0))" }
            let page = try await json(
                [command] + arguments + ["--limit", "500"] + (last.map { ["--before", $0] } ?? []))
            all += page.items
            if page.items.count < 500 { return all }
        }
    }

    private func json(_ arguments: [String]) async throws -> JSONValue {
        let result = try await Product.run(arguments + ["--json", "--state-directory", place.state.path])
        expectNoDifference(result.status, 0, "\(arguments): \(result.errors)")
        return try JSONValue(parsing: Data(result.output.utf8))
    }
}
