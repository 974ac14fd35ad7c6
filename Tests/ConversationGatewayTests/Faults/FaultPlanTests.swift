import Conversations
import CustomDump
import Foundation
import Testing

@testable import ConversationGateway

@Suite struct FaultPlanTests {
    private func fault(_ kind: Fault.Kind, change: (inout Fault) -> Void = { _ in }) -> Fault {
        var fault = Fault(kind)
        change(&fault)
        return fault
    }

    @Test func `a count runs out`() {
        var plan = FaultPlan()
        _ = plan.add(fault(.disconnect) { $0.count = 2 })
        expectNoDifference(
            (0..<4).map { _ in plan.strike(.operation("sendMessage")) != nil }, [true, true, false, false])
        expectNoDifference(plan.faults, [])
    }

    @Test func `a rate strikes about as often, and the same way from the same seed`() {
        func strikes(seed: UInt64) -> [Bool] {
            var plan = FaultPlan()
            _ = plan.add(
                fault(.disconnect) {
                    $0.rate = 0.3
                    $0.seed = seed
                })
            return (0..<1000).map { _ in plan.strike(.operation("sendMessage")) != nil }
        }
        expectNoDifference(strikes(seed: 7), strikes(seed: 7))
        #expect(strikes(seed: 7) != strikes(seed: 8))
        #expect((250...350).contains(strikes(seed: 7).count { $0 }))
    }

    @Test func `a fault strikes its operation or its consumer alone`() {
        var plan = FaultPlan()
        _ = plan.add(fault(.disconnect) { $0.operation = "sendMessage" })
        _ = plan.add(fault(.duplicate) { $0.consumer = "agt_1" })
        #expect(plan.strike(.operation("listConversations")) == nil)
        #expect(plan.strike(.operation("sendMessage"))?.kind == .disconnect)
        #expect(plan.strike(.consumer(.project)) == nil)
        #expect(plan.strike(.consumer(.agent("agt_1")))?.kind == .duplicate)
    }

    @Test(arguments: [
        (#"{"kind":"explode"}"#, "kind"), (#"{"kind":"status"}"#, "status"),
        (#"{"kind":"status","status":200}"#, "status"),
        (#"{"kind":"delay"}"#, "seconds"), (#"{"kind":"delay","seconds":-1}"#, "seconds"),
        (#"{"kind":"skew","seconds":1e300}"#, "seconds"), (#"{"kind":"disconnect","rate":2}"#, "rate"),
        (#"{"kind":"disconnect","count":0}"#, "count"), (#"{"kind":"disconnect","operation":"nothing"}"#, "operation"),
        (#"{"kind":"disconnect","consumer":""}"#, "consumer"),
        (#"{"kind":"duplicate","operation":"sendMessage"}"#, "operation"),
    ])
    func `a wrong fault is refused with the field's name`(body: String, field: String) async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let answer = try await call("POST", "/sim/faults", raw: Data(body.utf8), key: .simulation)
            expectNoDifference(answer.status, 422)
            expectNoDifference(answer.json["error"]?.text("details", "0", "field"), field)
        }
    }
}
