import Conversations
import CustomDump
import Foundation
import Synchronization
import Testing

/// A gateway and a host that are started again and again, and the proxy between them.
final class KillStage: Sendable {
    struct Sent {
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

    /// Counts first, and tells how far, so that the answers show in which order the runs began.
    private static let rule = """
        return {
          on = "message",
          run = function(message)
            local conversation = message.conversation
            local count = store.of(conversation).increment("seen")
            conversation:increment("seen")
            conversation:send("got " .. message.body .. " as " .. count)
            message:react("love")
          end,
        }
        """

    let proxy = KillingProxy()
    private let place: Workplace
    private let gatewayPlace: Workplace
    private let gateway: Mutex<Gateway>
    private let url = Mutex<(proxy: String, secret: String)?>(nil)
    let sent = Mutex<[Sent]>([])
    /// Texts whose answer a person decided about, so that it may come late.
    let decided = Mutex<Set<String>>([])
    /// What a person had sent again, since it had not taken place: the beginning of the body, or the message reacted to.
    let repeated = Mutex<[String]>([])
    private let gatewayStarts = Mutex(UInt64(0))

    init() async throws {
        place = try Workplace()
        gatewayPlace = try Workplace()
        try place.save(Self.rule, as: "answer")
        gateway = Mutex(try await Self.startGateway(gatewayPlace))
    }

    private static func startGateway(_ place: Workplace) async throws -> Gateway {
        // Deliveries that nobody took come again soon, and not for ever: polling finds the rest.
        let started = try await GatewayProduct(place, ["gateway.retry_delays": "100ms,300ms,1s"])
        return Gateway(product: started.product, phones: started.phones, api: started.api)
    }

    private var phones: HTTP { gateway.withLock { $0.phones } }
    var api: HTTP { gateway.withLock { $0.api } }

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
            // As often as the host polls.
            await proxy.poll()
            let busy = try await json(["runs", "--state", "running,retrying,queued,held", "--limit", "1"])
            guard busy.items.isEmpty else { continue }
            let events = try await list("events")
            let open = events.contains { ["pending", "running"].contains($0["state"]?.string) }
            if !open, wanted.isSubset(of: events.compactMap(Self.messageID)) { return }
        }
    }

    /// Decides about each parked run as a person would who looks at the conversation.
    func decideParked() async throws {
        let events = Dictionary(uniqueKeysWithValues: try await list("events").map { (Self.sequence($0), $0) })
        let parked = try await list("runs", ["--state", "parked"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, run) in parked.enumerated() {
                // A few at once: each starts a process.
                if index >= 4 { try await group.next() }
                let sequence: Int64 = if case .integer(let event) = run["event"] { event } else { 0 }
                let message = try #require(events[sequence]?["content"]?["message"])
                group.addTask { try await self.decide(run, of: message) }
            }
            try await group.waitForAll()
        }
    }

    private func decide(_ run: JSONValue, of message: JSONValue) async throws {
        let (id, text) = (try #require(message["id"]?.string), try #require(message["body"]?.string))
        let reason = try #require(run["reason"]?.string)
        let answer = "got \(text) as "
        let isSend = reason.contains(", message.send ")
        #expect(isSend || reason.contains(", message.react "), "parked because of \(reason)")
        if isSend { decided.withLock { _ = $0.insert(text) } }
        let tookPlace = try await messages(of: try #require(run["conversation"]?.string)).contains { message in
            isSend
                ? message["direction"]?.string == "outbound" && message["body"]?.string?.hasPrefix(answer) == true
                : message["id"]?.string == id && message["reactions"]?.items.isEmpty == false
        }
        if !tookPlace { repeated.withLock { $0.append(isSend ? "\"\(answer)" : "/\(id)/") } }
        let result = try await Product.run([
            "runs", "resolve", try #require(run["id"]?.string), tookPlace ? "--sent" : "--resend", "--state-directory",
            place.state.path,
        ])
        expectNoDifference(result.status, 0, "\(result.errors)")
    }

    // MARK: Looking

    /// A conversation's messages, oldest first.
    func messages(of conversation: String) async throws -> [JSONValue] {
        var all: [JSONValue] = []
        while true {
            let before = all.last.flatMap { $0["receivedAt"]?.string }.map { "&before=\($0)" } ?? ""
            let page = try await api.get("/v1/conversations/\(conversation)/messages?limit=200\(before)").json
            let messages = try #require(page["data"]?.items, "\(page)")
            all += messages
            if page["hasMore"] != true || messages.isEmpty { return all.reversed() }
        }
    }

    static func sequence(_ event: JSONValue) -> Int64 {
        if case .integer(let sequence) = event["sequence"] { sequence } else { 0 }
    }

    static func messageID(_ event: JSONValue) -> String? { event["content"]?["message"]?["id"]?.string }

    /// All pages of a listing.
    func list(_ command: String, _ arguments: [String] = []) async throws -> [JSONValue] {
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
