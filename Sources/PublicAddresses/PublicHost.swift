/// Keeps requests that others' data asks for away from this machine and its private network.
public enum PublicHost {
    public enum Verdict: Sendable, Hashable {
        /// Every address is public. Connect to this very one: DNS may say otherwise a moment later.
        case pinned(address: String)
        case refused(String)
    }

    /// Judges a host by all the addresses that it has now.
    ///
    /// - Parameters:
    ///   - host: A name or an address; IPv6 with or without brackets.
    ///   - resolve: Gives a name's addresses; throws where there are none.
    /// - Throws: What `resolve` throws.
    public static func check(
        _ host: String,
        resolve: @Sendable (String) async throws -> [String] = { try await HostResolver.addresses(of: $0) }
    ) async throws -> Verdict {
        let host = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        guard !host.isEmpty else { return .refused("there is no host") }
        let addresses = IPAddress(host) == nil ? try await resolve(host) : [host]
        for address in addresses where IPAddress(address)?.isPublic != true {
            return .refused("the host \(host) leads to \(address), which is not a public address")
        }
        guard let address = addresses.first else { return .refused("the host \(host) has no address") }
        return .pinned(address: address)
    }
}
