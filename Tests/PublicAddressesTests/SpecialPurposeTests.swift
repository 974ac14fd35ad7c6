import PublicAddresses
import Testing

/// The ranges of the IANA IPv4 and IPv6 Special-Purpose Address Registries, by their ends and by what adjoins them.
///
/// Source: https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry.
@Suite struct SpecialPurposeTests {
    struct Range: Sendable, CustomTestStringConvertible {
        var name: String
        var first: String
        var last: String
        /// The address before the first and the one after the last; nil where that is special too.
        var before: String?
        var after: String?
        var testDescription: String { name }

        init(_ name: String, _ first: String, _ last: String, before: String?, after: String?) {
            self.name = name
            self.first = first
            self.last = last
            self.before = before
            self.after = after
        }
    }

    static let ipv4 = [
        Range("this network", "0.0.0.0", "0.255.255.255", before: nil, after: "1.0.0.0"),
        Range("private use, 10/8", "10.0.0.0", "10.255.255.255", before: "9.255.255.255", after: "11.0.0.0"),
        Range("shared address space", "100.64.0.0", "100.127.255.255", before: "100.63.255.255", after: "100.128.0.0"),
        Range("loopback", "127.0.0.0", "127.255.255.255", before: "126.255.255.255", after: "128.0.0.0"),
        Range("link local", "169.254.0.0", "169.254.255.255", before: "169.253.255.255", after: "169.255.0.0"),
        Range("private use, 172.16/12", "172.16.0.0", "172.31.255.255", before: "172.15.255.255", after: "172.32.0.0"),
        Range("protocol assignments", "192.0.0.0", "192.0.0.255", before: "191.255.255.255", after: "192.0.1.0"),
        Range("documentation 1", "192.0.2.0", "192.0.2.255", before: "192.0.1.255", after: "192.0.3.0"),
        Range("6to4 relays", "192.88.99.0", "192.88.99.255", before: "192.88.98.255", after: "192.88.100.0"),
        Range(
            "private use, 192.168/16", "192.168.0.0", "192.168.255.255", before: "192.167.255.255", after: "192.169.0.0"
        ),
        Range("benchmarking", "198.18.0.0", "198.19.255.255", before: "198.17.255.255", after: "198.20.0.0"),
        Range("documentation 2", "198.51.100.0", "198.51.100.255", before: "198.51.99.255", after: "198.51.101.0"),
        Range("documentation 3", "203.0.113.0", "203.0.113.255", before: "203.0.112.255", after: "203.0.114.0"),
        Range("multicast", "224.0.0.0", "239.255.255.255", before: "223.255.255.255", after: nil),
        Range("reserved", "240.0.0.0", "255.255.255.255", before: nil, after: nil),
    ]

    static let ipv6 = [
        Range("unspecified and IPv4-compatible", "::", "::ffff:ffff", before: nil, after: nil),
        Range("loopback", "::1", "::1", before: nil, after: nil),
        Range("NAT64", "64:ff9b::", "64:ff9b::ffff:ffff", before: nil, after: nil),
        Range("local NAT64", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", before: nil, after: nil),
        Range("discard only", "100::", "100::ffff:ffff:ffff:ffff", before: nil, after: nil),
        Range("dummy prefix", "100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", before: nil, after: nil),
        Range(
            "protocol assignments, Teredo, ORCHID", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
            before: "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", after: "2001:200::"),
        Range(
            "documentation", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            before: "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", after: "2001:db9::"),
        Range(
            "6to4", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            before: "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", after: "2003::"),
        Range(
            "documentation, 3fff::/20", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
            before: "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", after: "3fff:1000::"),
        Range("segment routing", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", before: nil, after: nil),
        Range("unique local", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", before: nil, after: nil),
        Range("link local", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", before: nil, after: nil),
        Range("site local, deprecated", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", before: nil, after: nil),
        Range("multicast", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", before: nil, after: nil),
        // Nothing outside of 2000::/3 is assigned to the public internet.
        Range(
            "below global unicast", "::2:0:0", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", before: nil, after: "2000::"),
        Range(
            "above global unicast", "4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            before: "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", after: nil),
    ]

    private static func isPublic(_ text: String) throws -> Bool { try #require(IPAddress(text), "\(text)").isPublic }

    @Test(arguments: ipv4 + ipv6)
    func `a special range is not public from its first address to its last`(_ range: Range) throws {
        #expect(try !Self.isPublic(range.first))
        #expect(try !Self.isPublic(range.last))
    }

    @Test(arguments: (ipv4 + ipv6).filter { $0.before != nil || $0.after != nil })
    func `what adjoins a special range is public`(_ range: Range) throws {
        for neighbour in [range.before, range.after].compactMap(\.self) {
            #expect(try Self.isPublic(neighbour), "\(neighbour)")
        }
    }

    /// A system that connects to a mapped address connects to the IPv4 address in it.
    @Test(arguments: ipv4) func `an IPv4 address that is mapped into IPv6 is judged as itself`(_ range: Range) throws {
        #expect(try !Self.isPublic("::ffff:\(range.first)"))
        #expect(try !Self.isPublic("::ffff:\(range.last)"))
        for neighbour in [range.before, range.after].compactMap(\.self) {
            #expect(try Self.isPublic("::ffff:\(neighbour)"), "\(neighbour)")
        }
    }

    /// Translators and relays lead on to the IPv4 address, and where they stand is not known: also a public one is refused.
    @Test(arguments: ["127.0.0.1", "10.0.0.1", "169.254.169.254", "8.8.8.8"])
    func `an IPv4 address behind a translator or a relay is not public`(_ address: String) throws {
        #expect(try !Self.isPublic("64:ff9b::\(address)"))
        #expect(try !Self.isPublic("64:ff9b:1::\(address)"))
        #expect(try !Self.isPublic("::\(address)"))
        #expect(try !Self.isPublic("::ffff:0:\(address)"))
        let parts = address.split(separator: ".").compactMap { UInt8($0) }
        let groups = stride(from: 0, to: 4, by: 2).map { Int(parts[$0]) << 8 | Int(parts[$0 + 1]) }
        let text = groups.map { String($0, radix: 16) }.joined(separator: ":")
        #expect(try !Self.isPublic("2002:\(text)::1"), "6to4")
        #expect(try !Self.isPublic("2001::\(text)"), "Teredo")
    }

    @Test(arguments: [
        ("FE80::1", "fe80::1"), ("0:0:0:0:0:0:0:1", "::1"), ("2001:0DB8:0:0::1", "2001:db8::1"),
        ("::ffff:7f00:1", "::ffff:127.0.0.1"), ("64:ff9b::7f00:1", "64:ff9b::127.0.0.1"),
    ])
    func `other spellings of an address are the same address`(_ text: String, _ plain: String) throws {
        #expect(try #require(IPAddress(text)) == #require(IPAddress(plain)))
    }

    /// What the system reads as an address though it is not in dotted decimals is a name here, and judged by what it leads to.
    @Test(arguments: ["127.1", "2130706433", "0x7f000001", "017700000001", "127.0.0.1.", "1.2.3.256", ":::1", "::g"])
    func `a spelling that is not the plain one is not taken for an address`(_ text: String) async throws {
        #expect(IPAddress(text) == nil)
        let verdict = try await PublicHost.check(text) { _ in ["127.0.0.1"] }
        #expect(verdict == .refused("the host \(text) leads to 127.0.0.1, which is not a public address"))
    }
}
