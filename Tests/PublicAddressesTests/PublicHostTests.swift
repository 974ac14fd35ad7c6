import CustomDump
import PublicAddresses
import Testing

@Suite struct PublicHostTests {
    @Test(arguments: [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255",
        "192.168.1.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.9", "224.0.0.1", "255.255.255.255", "::",
        "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "2002:7f00:1::", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    ])
    func `special addresses are not public`(text: String) throws {
        #expect(try !#require(IPAddress(text)).isPublic)
    }

    @Test(arguments: [
        "1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001:81b::200e", "::ffff:8.8.8.8",
    ])
    func `ordinary addresses are public`(text: String) throws {
        #expect(try #require(IPAddress(text)).isPublic)
    }

    @Test(arguments: ["", "localhost", "1.2.3", "1.2.3.4.5", "example.com", "0x7f.1"])
    func `other text is no address`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: ["example.com", "93.184.216.34"])
    func `a public host is pinned to an address`(host: String) async throws {
        let verdict = try await PublicHost.check(host) { _ in ["93.184.216.34"] }
        expectNoDifference(verdict, .pinned(address: "93.184.216.34"))
    }

    @Test(arguments: ["127.0.0.1", "[::1]", "two-faced.example", "nowhere.example", ""])
    func `a host with any address that is not public is refused`(host: String) async throws {
        let verdict = try await PublicHost.check(host) { name in
            name == "nowhere.example" ? [] : ["93.184.216.34", "10.0.0.1"]
        }
        guard case .refused = verdict else {
            Issue.record("\(host) was let pass: \(verdict)")
            return
        }
    }
}
