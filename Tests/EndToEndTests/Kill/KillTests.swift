import Foundation
import TestSupport
import Testing

private func number(_ name: String, or usual: Int) -> Int {
    ProcessInfo.processInfo.environment["TIDEWIRE_KILL\(name)"].flatMap(Int.init) ?? usual
}

private let kills = number("S", or: 50)

/// The real host under load, killed again and again, as is the gateway, while answers get lost, and then what they did
/// held against what they were given.
///
/// Fifty kills and 200 conversations take one to two minutes. `TIDEWIRE_KILLS` and `TIDEWIRE_KILL_CONVERSATIONS` make a
/// longer run of it, and `TIDEWIRE_KILL_SEED` another one:
///
///     TIDEWIRE_KILLS=500 TIDEWIRE_KILL_SEED=7 scripts/test --filter KillTests
@Suite(.timeLimit(.minutes(kills > 50 ? 120 : 8)))
struct KillTests {
    private static let phones = (0..<number("_CONVERSATIONS", or: 200)).map { "+1555987\(1000 + $0)" }

    /// How many of them write again and again.
    private static let busyCount = min(10, phones.count)

    @Test func `nothing accepted is lost, repeated or begun out of order over fifty kills under load`() async throws {
        let stage = try await KillStage()
        try await stage.run { stage in
            // Fixed, so that a failing run can be repeated; the instants within a request still vary.
            var random = SeededGenerator(seed: UInt64(number("_SEED", or: 4711)))
            // All conversations are there from the first life on.
            var waiting = Self.phones.shuffled(using: &random)
            for life in 0..<kills {
                let share = (waiting.count + kills - life - 1) / (kills - life)
                let busy = (0..<2).map { _ in Self.phones[Int.random(in: 0..<Self.busyCount, using: &random)] }
                // While nobody listens, and again as soon as somebody does: what was missed meets what comes now.
                for (index, phone) in busy.enumerated() { try await stage.text("\(life)-m\(index)", from: phone) }
                try await Self.live(life, stage, texting: busy + waiting.prefix(share), using: &random)
                waiting.removeFirst(share)
            }
            let last = try await stage.startHost()
            try await stage.settle()
            try await stage.decideParked()
            try await stage.settle()
            try await stage.audit()
            #expect(await last.stop() == 0)
        }
    }

    /// One life of the host; every fourth time the gateway is killed too.
    private static func live(
        _ life: Int, _ stage: KillStage, texting phones: [String], using random: inout SeededGenerator
    ) async throws {
        let host = try await stage.startHost()
        let killsGateway = life % 4 == 3
        if !killsGateway { arm(stage, host.processIdentifier, texts: phones.count, using: &random) }
        for (index, phone) in phones.enumerated() { try await stage.text("\(life)-\(index)", from: phone) }
        if killsGateway {
            try await stage.killGateway(after: Int.random(in: 0..<80, using: &random))
            kill(host.processIdentifier, SIGKILL)
        }
        _ = await host.exit()
    }

    /// Has the host killed at one of its next requests.
    private static func arm(
        _ stage: KillStage, _ process: Int32, texts: Int, using random: inout SeededGenerator
    ) {
        let instant = KillingProxy.Instant.allCases.randomElement(using: &random) ?? .afterEffect
        let effects = Bool.random(using: &random)
        // Each text leads to an effect, so that there are enough of them.
        let passes = Int.random(in: 0..<(effects ? texts : 80), using: &random)
        stage.proxy.arm(effects ? ["POST"] : ["GET", "PATCH", "POST"], after: passes, instant, process: process)
    }
}
