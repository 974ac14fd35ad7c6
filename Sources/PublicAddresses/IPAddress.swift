import NIOCore

/// An IPv4 or IPv6 address, to tell whether it belongs to the public internet.
public struct IPAddress: Sendable, Hashable {
    private let bytes: [UInt8]

    /// Reads an address as it is written in text; nil for anything else.
    public init?(_ text: String) {
        guard let address = try? SocketAddress(ipAddress: text, port: 0) else { return nil }
        guard let packed = Self.bytes(of: address) else { return nil }
        bytes = packed
    }

    private static func bytes(of address: SocketAddress) -> [UInt8]? {
        guard let text = address.ipAddress else { return nil }
        return text.contains(":") ? ipv6(text) : ipv4(text)
    }

    private static func ipv4(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 4, !parts.contains(nil) else { return nil }
        return parts.compactMap { $0 }
    }

    /// Reads the canonical text that the system writes.
    private static func ipv6(_ text: String) -> [UInt8]? {
        let text = text.prefix { $0 != "%" }
        let halves = String(text).components(separated: "::")
        guard halves.count <= 2 else { return nil }
        let groups = halves.map { half in half.split(separator: ":").map(group) }
        guard !groups.joined().contains(where: { $0 == nil }) else { return nil }
        let head = groups[0].compactMap { $0 }.flatMap { $0 }
        let tail = groups.count == 2 ? groups[1].compactMap { $0 }.flatMap { $0 } : []
        guard head.count + tail.count <= 16, groups.count == 2 || head.count == 16 else { return nil }
        return head + Array(repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    private static func group(_ text: Substring) -> [UInt8]? {
        if text.contains(".") { return ipv4(text) }
        return UInt16(text, radix: 16).map { [UInt8($0 >> 8), UInt8($0 & 255)] }
    }

    /// False for loopback, private, link-local, shared, multicast, documentation and other special addresses.
    ///
    /// Source: IANA IPv4 and IPv6 Special-Purpose Address Registries.
    public var isPublic: Bool {
        if bytes.count == 4 { return Self.isPublic(ipv4: bytes) }
        let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        if isMapped { return Self.isPublic(ipv4: Array(bytes.suffix(4))) }
        // Global unicast is 2000::/3; of it 2001::/23 (protocols, Teredo), documentation and 6to4 are special.
        guard bytes[0] & 0xE0 == 0x20 else { return false }
        switch (bytes[0], bytes[1], bytes[2], bytes[3]) {
        case (0x20, 0x01, 0x00...0x01, _), (0x20, 0x01, 0x0D, 0xB8), (0x20, 0x02, _, _), (0x3F, 0xFF, 0x00...0x0F, _):
            return false
        default: return true
        }
    }

    private static func isPublic(ipv4 bytes: [UInt8]) -> Bool {
        switch (bytes[0], bytes[1], bytes[2]) {
        case (0, _, _), (10, _, _), (127, _, _), (169, 254, _), (172, 16...31, _), (192, 168, _), (100, 64...127, _),
            (192, 0, 0), (192, 0, 2), (192, 88, 99), (198, 18...19, _), (198, 51, 100), (203, 0, 113),
            (224...255, _, _):
            false
        default: true
        }
    }
}

extension String {
    fileprivate func components(separated separator: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
