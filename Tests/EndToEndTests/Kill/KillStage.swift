import Conversations
import CustomDump
import Foundation
import Synchronization
import Testing

/// A gateway, a host that is started again and again, and the proxy between them.
final class KillStage: Sendable {
    private struct Sent {
        var message: String
        var conversation: String
        var body: String
    }

    let proxy: KillingProxy
    private let place: Workplace
    private let gatewayPlace: Workplace
    private let gateway: Product
    private let phones: HTTP
    private let api: HTTP
    private let key: String
    private let url: Mutex<(proxy: String, secret: String)?>
    private let sent = Mutex<[Sent]>([])
    /// Messages whose answer a person decided about, so that it may come late.
    private let decided = Mutex<Set<String>>([])

    init(rule: String) async throws {
        place = try Workplace()
        gatewayPlace = try Workplace()
        try place.save(rule, as: "answer")
        // Deliveries that nobody took come again soon, and not for ever: polling finds the rest.
        gateway = try Product(
            gatewayPlace.arguments(
                "gateway", ["gateway.retry_delays": "100ms,300ms,1s", "gateway.local_webhooks": "true"]))
        let line = try #require(
            await gateway.output.next(holding: "The gateway serves"), "it did not start: \(gateway.errors.all)")
        let base = try #require(line.split(separator: " ").first { $0.hasPrefix("http://") }.map(String.init))
        let keys = try gatewayPlace.keys()
        key = try #require(keys["api_key"])
        phones = HTTP(base: base, token: keys["simulation_token"])
        api = HTTP(base: base, token: key)
        proxy = KillingProxy(gateway: base)
        url = Mutex(nil)
    }

    func run(_ body: @escaping @Sendable (KillStage) async throws -> Void) async throws {
        try await LoopbackServer.serve(proxy.respond) { [self] base in
            let webhook = try await api.post("/v1/webhooks", ["url": .string(base + "/webhook")])
            let secret = try #require(webhook.json["secret"]?.string, "\(webhook.json)")
            url.withLock { $0 = (base, secret) }
            try await body(self)
        }
        #expect(await gateway.stop() == 0)
    }

    func startHost() async throws -> Product {
        let (base, secret) = try #require(url.withLock { $0 })
        proxy.setWebhook(nil)
        let settings = [
            "api.base_url": base, "source": "both", "poll.interval": "100ms", "limits.retry_first_delay": "50ms",
            "limits.retry_longest_delay": "200ms", "policy.fuses.conversation": "off", "policy.fuses.rule": "off",
        ]
        let host = try Product(
            place.arguments("serve", settings, [place.pack.path]),
            environment: ["TIDEWIRE_API_KEY": key, "TIDEWIRE_WEBHOOK_SECRETS": secret])
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

    /// Waits until everything that was texted is an event, and nothing runs any more.
    func settle() async throws {
        proxy.disarm()
        let wanted = Set(sent.withLock { $0.map(\.message) })
        while true {
            try Task.checkCancellation()
            let events = try await list("events", ["--limit", "1000"])
            let open = events.contains { ["pending", "running"].contains($0["state"]?.string) }
            let runs = try await list("runs", ["--state", "running,retrying,queued", "--limit", "1000"])
            if !open, runs.isEmpty, wanted.isSubset(of: events.compactMap(Self.messageID)) { return }
        }
    }

    /// Decides about each parked run as a person would who looks at the conversation.
    func decideParked() async throws {
        for run in try await list("runs", ["--state", "parked", "--limit", "1000"]) {
            let id = try #require(run["id"]?.string)
            let trace = try await json(["trace", id])
            let commands = trace["runs"]?.first?["commands"]?.items ?? []
            let unknown = try #require(commands.last, "a parked run without a command: \(trace)")
            if let text = trace["event"]?["content"]?["message"]?["body"]?.string {
                decided.withLock { _ = $0.insert(text) }
            }
            let tookPlace = try await tookPlace(unknown, conversation: try #require(run["conversation"]?.string))
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
        let events = try await list("events", ["--limit", "1000"])
        let inbound = events.filter { $0["content"]?["message"]?["direction"]?.string == "inbound" }
        expectNoDifference(inbound.compactMap(Self.messageID).sorted(), sent.map(\.message).sorted())
        expectNoDifference(Set(inbound.compactMap { $0["state"]?.string }), ["done"])

        let runs = try await list("runs", ["--limit", "1000"])
        expectNoDifference(runs.count, sent.count)
        let unfinished = runs.filter { $0["state"]?.string != "finished" }
        expectNoDifference(unfinished, [])

        let effects = Dictionary(grouping: proxy.effects, by: \.self).mapValues(\.count)
        expectNoDifference(effects.filter { $0.value > 1 }, [:], "an effect was tried twice")
        let inOrder = inbound.sorted { Self.sequence($0) < Self.sequence($1) }
        for (conversation, events) in Dictionary(grouping: inOrder, by: { $0["conversation"]?.string ?? "" }) {
            try await audit(conversation, events.compactMap { $0["content"]?["message"]?["body"]?.string })
        }
    }

    /// Every text has one heart and one answer, the answers come in the order in which the texts were accepted, and all
    /// were counted once.
    private func audit(_ conversation: String, _ texts: [String]) async throws {
        let messages = try await messages(of: conversation)
        let answers = messages.filter { $0["direction"]?.string == "outbound" }.compactMap { $0["body"]?.string }
        expectNoDifference(answers.sorted(), texts.map { "got " + $0 }.sorted())
        let late = Set(decided.withLock { $0 }.map { "got " + $0 })
        expectNoDifference(
            answers.filter { !late.contains($0) }, texts.map { "got " + $0 }.filter { !late.contains($0) })
        let hearts = messages.filter { $0["direction"]?.string == "inbound" }.map { $0["reactions"]?.items.count }
        expectNoDifference(hearts, texts.map { _ in 1 })
        let seen = try await api.get("/v1/conversations/\(conversation)").json["metadata"]?["seen"]
        expectNoDifference(seen, .integer(Int64(texts.count)))
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

    private func list(_ command: String, _ arguments: [String]) async throws -> [JSONValue] {
        try await json([command] + arguments).items
    }

    private func json(_ arguments: [String]) async throws -> JSONValue {
        let result = try await Product.run(arguments + ["--json", "--state-directory", place.state.path])
        expectNoDifference(result.status, 0, "\(arguments): \(result.errors)")
        return try JSONValue(parsing: Data(result.output.utf8))
    }
}
