import Conversations
import CustomDump
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Testing

@testable import ConversationGateway

@Suite struct AccessCheckTests {
    private func status(host: String, from peer: String?) -> Int? {
        let configuration = GatewayConfiguration(
            directory: URL(filePath: "/tmp"), apiKeys: ["sk"], simulationToken: "sim_token")
        let head = HTTPRequest(
            method: .get, scheme: "http", authority: host, path: "/sim/phones",
            headerFields: [.authorization: "Bearer sim_token"])
        let request = Request(head: head, body: .init(buffer: ByteBuffer()))
        do {
            try AccessCheck(.simulation, configuration).check(request, from: peer)
            return nil
        } catch {
            return error.status
        }
    }

    @Test(arguments: ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", nil])
    func `the simulation is open to this machine`(peer: String?) {
        expectNoDifference(status(host: "localhost:8471", from: peer), nil)
    }

    @Test(arguments: ["192.168.1.7", "203.0.113.9", "fe80::1", "::ffff:192.168.1.7"])
    func `the simulation is closed to other machines, whatever host they name`(peer: String) {
        expectNoDifference(status(host: "localhost:8471", from: peer), 403)
    }

    @Test(arguments: ["evil.example", "192.168.1.7:8471", "127.0.0.1.evil.example"])
    func `the simulation is closed to other names of this machine`(host: String) {
        expectNoDifference(status(host: host, from: "127.0.0.1"), 403)
    }
}
