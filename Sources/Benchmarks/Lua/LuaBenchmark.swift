import ArgumentParser
import Foundation
import Lua

struct LuaBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lua",
        abstract: "Measures the sandboxed Lua against Lua as it comes.",
        discussion: """
            Each row runs the same program on both sides by turns, in processor time of one thread, and tells the median \
            of the rounds' ratios. The sandbox has its limits on, slices of 5 ms included. JSON is measured against \
            lua-cjson, where Debian's package of that name is installed. The exit status is 1 if a goal is missed.
            """)

    @Option(help: "How often each side runs each program.")
    var rounds = 9

    @Option(help: "Only rows with this in their name.")
    var only: String?

    mutating func validate() throws {
        guard rounds > 0 else { throw ValidationError("--rounds must be at least 1") }
    }

    func run() throws {
        var missed = 0
        try show("Limits on plain Lua", LuaWorkload.compute, &missed)
        try show("Counting allocations", LuaWorkload.allocation, &missed)
        try show("Patterns", LuaWorkload.matcher, &missed)
        try show("Host functions", LuaWorkload.hostFunctions, &missed)
        try show("Library", LuaWorkload.library, &missed)
        try show("JSON, against lua-cjson", LuaWorkload.json, &missed)
        if only == nil { try LuaCosts(rounds: rounds).show() }
        guard missed == 0 else {
            print("\n\(missed) goals are missed.")
            throw ExitCode.failure
        }
    }

    private func show(_ title: String, _ workloads: [LuaWorkload], _ missed: inout Int) throws {
        let chosen = workloads.filter { workload in only.map { workload.name.contains($0) } ?? true }
        guard !chosen.isEmpty else { return }
        print("\n" + Row.line([title, "ours ms", "stock ms", "ratio", "goal"]))
        for workload in chosen {
            do {
                let result = try Comparison(workload, rounds: rounds)
                if let goal = workload.goal, result.ratio > goal { missed += 1 }
                print(Row.line(result.row))
            } catch let error as StockError where error.message.contains("module 'cjson' not found") {
                print(
                    Row.line([workload.name]) + "not measured: lua-cjson is not installed (apt-get install lua-cjson)")
            }
        }
    }
}

/// A table's rows, in columns.
enum Row {
    static func line(_ cells: [String]) -> String {
        cells.enumerated().map { index, cell in
            index == 0
                ? cell.padding(toLength: 26, withPad: " ", startingAt: 0)
                : String(repeating: " ", count: max(1, 10 - cell.count)) + cell
        }.joined()
    }

    static func number(_ value: Double) -> String {
        value.formatted(.number.precision(.fractionLength(2)).grouping(.never))
    }
}

/// Both sides of one workload, measured by turns.
struct Comparison {
    private let workload: LuaWorkload
    private let ours: Double
    private let stock: Double
    /// The median of the rounds' ratios.
    let ratio: Double

    init(_ workload: LuaWorkload, rounds: Int) throws {
        self.workload = workload
        let sandbox = try Sandbox(workload.body)
        let lua = Stock()
        try lua.load(workload.stockBody ?? workload.body)
        try lua.run()
        try sandbox.run()
        var times: [(ours: Double, stock: Double)] = []
        for round in 0..<rounds {
            // Who goes first changes, so that neither side always has the warmer machine.
            if round.isMultiple(of: 2) {
                let first = try measured { try sandbox.run() }
                times.append((first, try measured { try lua.run() }))
            } else {
                let first = try measured { try lua.run() }
                times.append((try measured { try sandbox.run() }, first))
            }
        }
        ours = times.map(\.ours).median
        stock = times.map(\.stock).median
        ratio = times.map { $0.ours / $0.stock }.median
    }

    var row: [String] {
        let verdict = workload.goal.map { goal in
            [Row.number(goal), ratio <= goal ? "met" : "MISSED"]
        }
        return [workload.name, Row.number(ours / 1e6), Row.number(stock / 1e6), Row.number(ratio)] + (verdict ?? [])
    }
}

/// Nanoseconds of processor time.
func measured(_ body: () throws -> Void) rethrows -> Double {
    let start = Stock.threadTime
    try body()
    return Double(Stock.threadTime - start)
}

extension [Double] {
    var median: Double {
        let sorted = sorted()
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }
}
