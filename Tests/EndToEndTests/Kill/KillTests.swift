import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

private func number(_ name: String, or usual: Int) -> Int {
    ProcessInfo.processInfo.environment["TIDEWIRE_KILL\(name)"].flatMap(Int.init) ?? usual
}

private let kills = number("S", or: 50)

/// The real host under load, killed again and again, as is the gateway, and then what they did held against what they
/// were given.
///
/// `TIDEWIRE_KILLS` and `TIDEWIRE_KILL_CONVERSATIONS` make a longer run of it, and `TIDEWIRE_KILL_SEED` another one:
///
///     TIDEWIRE_KILLS=500 TIDEWIRE_KILL_SEED=7 scripts/test --filter KillTests
@Suite(.timeLimit(.minutes(kills > 50 ? 120 : 8)))
struct KillTests {
    private static let phones = (0..<number("_CONVERSATIONS", or: 200)).map { "+1555987\(1000 + $0)" }
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

    /// By hand, with `TIDEWIRE_KILLS=50`: it takes minutes.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["TIDEWIRE_KILLS"] != nil))
    func `nothing accepted is lost and nothing sent is repeated over fifty kills under load`() async throws {
        let stage = try await KillStage(rule: Self.rule)
        try await stage.run { stage in
            // Fixed, so that a failing run can be repeated; the instants within a request still vary.
            var random = SeededGenerator(seed: UInt64(number("_SEED", or: 4711)))
            // All conversations are there from the first life on.
            var waiting = Self.phones.shuffled(using: &random)
            for life in 0..<kills {
                let host = try await stage.startHost()
                let killsGateway = life % 4 == 3
                if !killsGateway { Self.arm(stage, host.processIdentifier, using: &random) }
                let share = (waiting.count + kills - life - 1) / (kills - life)
                let busy = (0..<3).map { _ in
                    Self.phones[Int.random(in: 0..<min(10, Self.phones.count), using: &random)]
                }
                for (index, phone) in (waiting.prefix(share) + busy).enumerated() {
                    try await stage.text("\(life)-\(index)", from: phone)
                }
                waiting.removeFirst(share)
                if killsGateway {
                    try await stage.killGateway(after: Int.random(in: 0..<12, using: &random))
                    kill(host.processIdentifier, SIGKILL)
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

    /// Has the host killed at one of its next requests.
    private static func arm(_ stage: KillStage, _ process: Int32, using random: inout SeededGenerator) {
        let instant = KillingProxy.Instant.allCases.randomElement(using: &random) ?? .afterEffect
        let effects = Bool.random(using: &random)
        stage.proxy.arm(
            effects ? ["POST"] : ["GET", "PATCH", "POST"],
            after: Int.random(in: 0..<(effects ? 4 : 12), using: &random), instant, process: process)
    }
}
