import Foundation
import NIOCore

/// Keeps requests that others' data asks for away from this machine and its network.
struct AddressGuard: Sendable {
    var allowsPrivate: Bool

    /// Whether every address of a host is a public one; a host that has none is not allowed.
    func allows(host: String) async -> Bool {
        if allowsPrivate { return true }
        let addresses = await Self.addresses(of: host)
        return !addresses.isEmpty && addresses.allSatisfy(Self.isPublic)
    }

    /// Looks a name up off the shared pool, since the look-up blocks.
    private static func addresses(of host: String) async -> [SocketAddress] {
        let name = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let address = try? SocketAddress.makeAddressResolvingHost(name, port: 443)
                continuation.resume(returning: address.map { [$0] } ?? [])
            }
        }
    }

    /// Source: IANA special-purpose address registries for IPv4 and IPv6.
    static func isPublic(_ address: SocketAddress) -> Bool {
        guard let text = address.ipAddress else { return false }
        if let mapped = text.lowercased().trimmedPrefix("::ffff:"), mapped.contains(".") { return isPublicV4(mapped) }
        return text.contains(":") ? isPublicV6(text.lowercased()) : isPublicV4(text)
    }

    private static func isPublicV4(_ text: String) -> Bool {
        let parts = text.split(separator: ".").compactMap { UInt8($0) }
        guard parts.count == 4 else { return false }
        switch (parts[0], parts[1]) {
        case (0, _), (10, _), (127, _), (169, 254), (192, 168), (224..., _): return false
        case (100, 64...127), (172, 16...31), (198, 18...19): return false
        case (192, 0) where parts[2] == 0 || parts[2] == 2: return false
        case (198, 51) where parts[2] == 100, (203, 0) where parts[2] == 113: return false
        default: return true
        }
    }

    /// Only global unicast, 2000::/3, less the documentation and 6to4 and Teredo prefixes.
    private static func isPublicV6(_ text: String) -> Bool {
        guard let first = text.split(separator: ":", omittingEmptySubsequences: false).first,
            let group = UInt16(first, radix: 16), group & 0xE000 == 0x2000
        else { return false }
        return group != 0x2002 && !text.hasPrefix("2001:db8:") && !text.hasPrefix("2001::")
            && !text.hasPrefix("2001:0:")
    }
}

extension String {
    fileprivate func trimmedPrefix(_ prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
