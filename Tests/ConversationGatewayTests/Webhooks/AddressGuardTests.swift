import Conversations
import CustomDump
import PublicAddresses
import TestSupport
import Testing

@testable import ConversationGateway

@Suite struct AddressGuardTests {
    @Test(arguments: [
        "", "hook", "ftp://example.com/", "https://", "https:///path", "http://example.com/hook",
        "https://127.0.0.1/hook", "https://[::1]/hook", "https://localhost/hook", "https://10.0.0.1:8443/hook",
        "https://user@example.com/hook",
        "https://example.com/" + String(repeating: "a", count: 2083),
    ])
    func `a URL that is not https to a public host is refused when it is set`(url: String) async {
        let guardian = AddressGuard(allowsLocal: false) { $0 == "localhost" ? ["127.0.0.1"] : ["93.184.216.34"] }
        await #expect(throws: APIError.self) { try await guardian.validate(url: url) }
    }

    @Test func `a public host passes, and one that DNS does not know yet`() async throws {
        try await AddressGuard(allowsLocal: false) { _ in ["93.184.216.34"] }.validate(url: "https://example.com/hook")
        try await AddressGuard(allowsLocal: false) { _ in throw HostResolver.Failure(description: "unknown") }
            .validate(url: "https://later.example.com/hook")
    }

    @Test func `an attempt goes to the very address that was checked`() async throws {
        let guardian = AddressGuard(allowsLocal: false) { _ in ["93.184.216.34"] }
        expectSame(
            try await guardian.check(url: "https://example.com/hook"),
            .pinned(host: "example.com", address: "93.184.216.34"))
    }

    @Test func `the setting allows http and loopback`() async throws {
        let guardian = AddressGuard(allowsLocal: true) { _ in [] }
        try await guardian.validate(url: "http://localhost:8080/hook")
        expectSame(try await guardian.check(url: "http://127.0.0.1:1/hook"), .unrestricted)
    }

    @Test func `the system knows this machine's own name`() async throws {
        let addresses = try await HostResolver.addresses(of: "localhost")
        #expect(addresses.contains("127.0.0.1") || addresses.contains("::1"))
    }
}
