import CustomDump
import Testing

@testable import ConversationGateway

@Suite struct DeliveryLadderTests {
    private let ladder = DeliveryLadder(delays: [.seconds(1), .seconds(2)])

    @Test(arguments: [200, 201, 202, 204, 299])
    func `any 2xx is success`(status: Int) {
        expectNoDifference(ladder.decide(.answered(status: status, body: ""), attempts: 1), .succeeded)
    }

    @Test(arguments: [500, 502, 503, 504, 599, 408, 425, 429])
    func `an answer that says later is tried again`(status: Int) {
        expectNoDifference(ladder.decide(.answered(status: status, body: ""), attempts: 1), .retry(after: .seconds(1)))
    }

    @Test(arguments: [301, 302, 307, 308, 304, 400, 401, 403, 404, 410, 422])
    func `redirects and other refusals are final`(status: Int) {
        expectNoDifference(ladder.decide(.answered(status: status, body: ""), attempts: 1), .failed)
    }

    @Test func `each attempt waits for its own step, and the last has none`() {
        expectNoDifference(
            (1...4).map { ladder.decide(.timedOut, attempts: $0) },
            [.retry(after: .seconds(1)), .retry(after: .seconds(2)), .failed, .failed])
    }

    @Test func `a refused address is final`() {
        expectNoDifference(ladder.decide(.refused("private"), attempts: 1), .failed)
    }

    @Test func `a ladder without steps never tries again`() {
        expectNoDifference(DeliveryLadder(delays: []).decide(.disconnected("gone"), attempts: 1), .failed)
    }
}
