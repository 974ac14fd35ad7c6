import Conversations
import DurableExecution
import Foundation

extension CommandExecutor {
    func changeMetadata(_ kind: RuleCommand, _ input: JSONValue) async throws -> JSONValue {
        let id = input.conversationID
        switch kind {
        case .tag:
            let fields = input["fields"]?.members ?? [:]
            return ["metadata": .object(try await metadata.change(id) { $0.merging(fields, uniquingKeysWith: { $1 }) })]
        case .untag:
            let keys = input["keys"]?.strings ?? []
            let result = try await metadata.change(id) { present in
                let target = present.filter { !keys.contains($0.key) }
                return target.count == present.count ? nil : target
            }
            return ["metadata": .object(result)]
        case .setMetadata:
            return ["metadata": .object(try await metadata.replace(id, with: input["metadata"]?.members ?? [:]))]
        default:
            return ["metadata": .object(try await metadata.replace(id, with: nil))]
        }
    }

    /// Base and target of an increment, noted before the write, so that a repeated attempt doesn't count twice.
    private struct Plan: Codable, Equatable {
        var base: JSONValue
        var target: JSONValue
    }

    func increment(_ input: JSONValue, in context: CommandContext) async throws -> JSONValue {
        let key = input["key"]?.string ?? ""
        let by = input["by"] ?? 1
        let former = try context.checkpoint.map { try JSON.decode(Plan.self, from: $0) }
        let save = context.save
        let result = try await metadata.change(input.conversationID) { present in
            let base = present[key] ?? .null
            // The attempt before this one got through, though its answer was lost.
            if let former, base == former.target, base != former.base { return nil }
            let plan = Plan(base: base, target: try Self.sum(base, by, key: key))
            if plan != former { try await save(try JSON.encode(plan)) }
            return present.merging([key: plan.target], uniquingKeysWith: { $1 })
        }
        return ["metadata": .object(result), "value": result[key] ?? .null]
    }

    private static func sum(_ base: JSONValue, _ by: JSONValue, key: String) throws -> JSONValue {
        switch (base, by) {
        case (.null, _): return by
        case (.integer(let left), .integer(let right)):
            let (sum, overflow) = left.addingReportingOverflow(right)
            guard !overflow else {
                throw CommandFailure(code: "out_of_range", message: "metadata.\(key) would leave the range of integers")
            }
            return .integer(sum)
        default:
            guard let left = base.double, let right = by.double else {
                throw CommandFailure(
                    code: "not_a_number", message: "metadata.\(key) is \(base.shown), so it cannot be counted up")
            }
            return .number(left + right)
        }
    }
}
