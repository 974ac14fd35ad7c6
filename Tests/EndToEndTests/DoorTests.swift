import Conversations
import CustomDump
import Foundation
import NIOHTTP1
import Testing

/// What strangers can do at the webhook's port: nothing that others would notice.
@Suite(.timeLimit(.minutes(2))) struct DoorTests {
    private static func host(
        _ settings: [String: String] = [:],
        _ body: @escaping @Sendable (Workplace, Product, Provider) async throws -> Void
    ) async throws {
        let place = try Workplace()
        try place.save("return { on = \"message\", run = function(message) end }", as: "quiet")
        try await StubAPI().serve { url in
            let (product, provider) = try await Provider.host(place, url, settings)
            try await body(place, product, provider)
            #expect(await product.stop() == 0)
        }
    }

    @Test func `silent connections keep neither deliveries nor commands out`() async throws {
        try await Self.host(["listeners.connections": "32"]) { place, product, provider in
            var silent: [RawConnection] = []
            for _ in 0..<200 { silent.append(try await RawConnection(provider.webhook)) }
            try await provider.deliver(expecting: 200)
            let status = try await Product.run(["status", "--state-directory", place.state.path])
            #expect(status.status == 0)
            // The first came to be one too many long ago.
            #expect(try await silent[0].untilClosed == "")
            for connection in silent { connection.close() }
        }
    }

    @Test func `a client that sends its headers slowly is cut off`() async throws {
        try await Self.host(["listeners.head_timeout": "200ms"]) { _, _, provider in
            let slow = try await RawConnection(provider.webhook)
            try await slow.send("POST /webhooks/agentphone HTTP/1.1\r\nHost: x\r\n")
            #expect(try await slow.untilClosed == "")
        }
    }

    @Test func `a client that sends its body slowly is cut off`() async throws {
        try await Self.host(["listeners.body_timeout": "200ms"]) { _, _, provider in
            let slow = try await RawConnection(provider.webhook)
            let signature = WebhookSignature.sign(Data(), timestamp: 0, secret: "x")
            try await slow.send(
                "POST /webhooks/agentphone HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n"
                    + "X-Webhook-Signature: \(signature)\r\n"
                    + "X-Webhook-Timestamp: \(Int(Date().timeIntervalSince1970))\r\n\r\nhalf")
            #expect(!(try await slow.untilClosed).contains("200 OK"))
        }
    }

    @Test(arguments: [
        ("", "401"), ("X-Webhook-Signature: sha256=00\r\nX-Webhook-Timestamp: 1\r\n", "401"),
    ])
    func `what is not signed is refused before its body comes, and the connection ends`(
        headers: String, status: String
    ) async throws {
        try await Self.host { _, _, provider in
            let stranger = try await RawConnection(provider.webhook)
            try await stranger.send(
                "POST /webhooks/agentphone HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\(headers)\r\n")
            let answer = try await stranger.untilClosed
            #expect(answer.hasPrefix("HTTP/1.1 \(status)") && answer.lowercased().contains("connection: close"))
        }
    }

    @Test func `a body over the limit is refused by its length, and the connection ends`() async throws {
        try await Self.host { _, _, provider in
            let large = try await RawConnection(provider.webhook)
            let signature = WebhookSignature.sign(Data(), timestamp: 0, secret: "x")
            try await large.send(
                "POST /webhooks/agentphone HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n"
                    + "X-Webhook-Signature: \(signature)\r\n"
                    + "X-Webhook-Timestamp: \(Int(Date().timeIntervalSince1970))\r\n\r\n")
            #expect(try await large.untilClosed.hasPrefix("HTTP/1.1 413"))
        }
    }

    @Test func `a thousand refused requests are a few short lines in the log`() async throws {
        try await Self.host { place, product, provider in
            let id = String(repeating: "x", count: 8000) + "\u{9b}31m"
            for _ in 0..<1000 {
                let answer = try await HTTP(base: provider.webhook).send(
                    .POST, "", Data("{}".utf8), headers: ["X-Webhook-ID": id])
                #expect(answer.status == 401)
            }
            let status = try await Product.run(["status", "--json", "--state-directory", place.state.path])
            expectNoDifference(
                try JSONValue(parsing: Data(status.output.utf8))["deliveries"], ["not_signed": 1000])
            let line = try #require(await product.errors.next(holding: "webhook delivery not_signed"))
            #expect(line.utf8.count < 400 && line.utf8.allSatisfy { $0 < 0x80 })
            // More than a minute would have to pass for a third.
            #expect(product.errors.all.split(separator: "\n").count <= 2)
        }
    }

    @Test func `the process may open as many files as the system allows`() async throws {
        try await Self.host { _, product, _ in
            let limits = try String(contentsOfFile: "/proc/\(product.processIdentifier)/limits", encoding: .utf8)
            let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
            let numbers = line.split(separator: " ").compactMap { Int($0) }
            #expect(numbers[0] >= min(numbers[1], 65_536))
        }
    }
}
