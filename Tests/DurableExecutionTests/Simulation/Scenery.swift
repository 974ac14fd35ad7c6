import Foundation
import TestSupport

@testable import DurableExecution

/// What may befall a simulation beside kills, outages and people who pause, cancel and forget.
///
/// `TIDEWIRE_SIMULATION_WITHOUT=clock,looks` leaves some out, to find what a seed needs to fail.
enum Adversity: String, Sendable, CaseIterable {
    /// The wall clock is stepped, by a millisecond or a year.
    case clock
    /// Calls of the store fail for a moment.
    case store
    /// There is no room on the disk at times.
    case disk
    /// Rules handle that a command's outcome is unknown, and fail for another reason.
    case stubborn
    /// Nobody answers those who look for an unknown outcome.
    case looks
    /// People have runs start anew.
    case restarts

    static let usual: Set<Adversity> = {
        let less = ProcessInfo.processInfo.environment["TIDEWIRE_SIMULATION_WITHOUT"] ?? ""
        return Set(allCases).subtracting(less.split(separator: ",").compactMap { Adversity(rawValue: String($0)) })
    }()
}

/// What a seed decides before anything happens.
struct Scenery: Sendable, CustomStringConvertible {
    enum Disk: String, Sendable { case memory, sqlite, file }

    var disk = Disk.memory
    var configuration = EngineConfiguration()
    /// How many events are delivered.
    var events: Int
    /// How the events are spread: over many queues, or nearly all in one, which then is longer than memory holds.
    var isCrowded: Bool
    /// Whether the wall clock is stepped.
    var stepsClock: Bool
    /// Whether reads and writes of the store fail now and then.
    var isFlaky: Bool
    /// Whether there is no room for what is new now and then.
    var fillsDisk: Bool
    /// How many processes there are before the last.
    var lives: Int

    init(seed: UInt64, disk only: Disk? = nil) {
        var random = SeededGenerator(seed: seed &+ 2)
        func roll(_ sides: Int) -> Int { .random(in: 0..<sides, using: &random) }
        configuration.maintenanceInterval = nil
        configuration.maxAge = .seconds(20 * 365 * 86_400)
        configuration.parallelism = [256, 256, 8, 3][roll(4)]
        configuration.backlogLimit = [8192, 8192, 12, 3][roll(4)]
        configuration.queueLimit = [16, 16, 4, 1][roll(4)]
        isCrowded = roll(6) == 0
        events = isCrowded ? 24 + roll(24) : 4 + roll(10)
        stepsClock = roll(4) == 0 && Adversity.usual.contains(.clock)
        isFlaky = roll(5) == 0 && Adversity.usual.contains(.store)
        lives = 2 + roll(3)
        let mayFill = roll(4) == 0
        disk = only ?? [Disk.file, .sqlite, .sqlite, .sqlite, .sqlite][min(roll(60), 4)]
        if only == nil, roll(8) != 0 { disk = .memory }
        fillsDisk = disk != .memory && mayFill && Adversity.usual.contains(.disk)
    }

    var description: String {
        let configuration = configuration
        return """
            \(disk.rawValue), \(events) events\(isCrowded ? " in a crowd" : ""), \(lives) lives, \
            \(configuration.parallelism) hands, backlog \(configuration.backlogLimit)/\(configuration.queueLimit)\
            \(stepsClock ? ", steps of the clock" : "")\(isFlaky ? ", a flaky store" : "")\(fillsDisk ? ", no room at times" : "")
            """
    }
}
