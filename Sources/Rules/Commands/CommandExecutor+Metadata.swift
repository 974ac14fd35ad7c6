import Conversations
import DurableExecution
import Foundation

extension CommandExecutor {
    func changeMetadata(
        _ kind: RuleCommand, _ input: JSONValue, in context: CommandContext
    ) async throws -> JSONValue {
        let id = input.conversationID
        let change = MetadataChange(kind, input)
        let ledger = ledger
        let result = try await metadata.update(id, written: { ledger.wrote(change, in: id, context) }) { present in
            let overtaken = try await ledger.overtaken(context, in: id)
            guard let target = try await change.applied(to: present, leaving: overtaken) else { return nil }
            try await ledger.settle(before: change, by: FuseBox.Effect(context), in: id, present: present)
            if let visit = try await ledger.visit(change, in: id, context) {
                try await context.save(context.checkpoint ?? Data(), visit.operations)
                ledger.kept(visit.visits, in: id)
            }
            return target
        }
        return ["metadata": .object(result)]
    }

    /// Counts up by a plan that is kept before the write, so that every count counts, and none does twice.
    func increment(_ input: JSONValue, in context: CommandContext) async throws -> JSONValue {
        let (id, key) = (input.conversationID, input["key"]?.string ?? "")
        let by = input["by"] ?? 1
        let former = try context.checkpoint.map { try JSON.decode(MetadataLedger.Plan.self, from: $0) }
        let (ledger, effect) = (ledger, FuseBox.Effect(context))
        let result = try await metadata.update(id, written: { ledger.wrote(.count(key), in: id, context) }) { present in
            let metadata = try await present()
            let base = metadata[key] ?? .null
            if let former, try await ledger.outcome(of: former, in: id) ?? former.isApplied(in: base) { return nil }
            let plan = MetadataLedger.Plan(
                id: UUID().uuidString, key: key, base: base, target: try Self.sum(base, by, key: key))
            let succession = try await ledger.succession(of: plan, by: effect, in: id, metadata)
            let visit = try await ledger.visit(.count(key), in: id, context)
            try await context.save(try JSON.encode(plan), succession.operations + (visit?.operations ?? []))
            ledger.kept(succession)
            if let visit { ledger.kept(visit.visits, in: id) }
            return .replaced(metadata.merging([key: plan.target], uniquingKeysWith: { $1 }))
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
            // As it reads when it comes back from the API.
            return Int64(exactly: left + right).map(JSONValue.integer) ?? .number(left + right)
        }
    }
}
