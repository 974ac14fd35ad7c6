import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

/// The real host under load, killed again and again, and then what it did held against what it was given.
@Suite(.timeLimit(.minutes(5)))
struct KillTests {
    private static let lives = 50
    private static let phones = (1...5).map { "+1555987650\($0)" }
    private static let rule = """
        return {
          on = "message",
          run = function(message)
            message:react("love")
            message.conversation:increment("seen")
            store.of(message.conversation).increment("seen")
            message.conversation:send("got " .. message.body)
          end,
        }
        """

    @Test func `nothing accepted is lost and nothing sent is repeated over fifty kills under load`() async throws {
        let stage = try await KillStage(rule: Self.rule)
        try await stage.run { stage in
            // Fixed, so that a failing run can be repeated; the instants within a request still vary.
            var random = SeededGenerator(seed: 4711)
            for life in 0..<Self.lives {
                let host = try await stage.startHost()
                let instant = KillingProxy.Instant.allCases.randomElement(using: &random) ?? .afterEffect
                let effects = Bool.random(using: &random)
                stage.proxy.arm(
                    effects ? ["POST"] : ["GET", "PATCH", "POST"],
                    after: Int.random(in: 0..<(effects ? 4 : 12), using: &random),
                    instant, process: host.processIdentifier)
                for index in 0..<3 {
                    let phone = Self.phones.randomElement(using: &random) ?? Self.phones[0]
                    try await stage.text("\(life)-\(index)", from: phone)
                }
                _ = await host.exit()
            }
            let last = try await stage.startHost()
            try await stage.settle()
            try await stage.decideParked()
            try await stage.settle()
            try await stage.audit()
            #expect(await last.stop() == 0)
        }
    }
}
