import Conversations
import Foundation
import PublicAddresses

/// Keeps webhooks away from this machine and its private network, unless the gateway's setting allows them.
///
/// A webhook's URL is the API's caller's to choose; without this, deliveries would reach what only the gateway's host
/// can reach. Checked when the webhook is set, and again at each attempt with the addresses that DNS then gives.
struct AddressGuard: Sendable {
    enum Verdict: Sendable, Hashable {
        case unrestricted
        /// Public: connect to this very address under this name.
        case pinned(host: String, address: String)
        case refused(String)
    }

    var allowsLocal: Bool
    /// The addresses of a host's name; throws where there are none.
    var resolve: @Sendable (String) async throws -> [String]

    init(
        allowsLocal: Bool,
        resolve: @escaping @Sendable (String) async throws -> [String] = { try await HostResolver.addresses(of: $0) }
    ) {
        self.allowsLocal = allowsLocal
        self.resolve = resolve
    }

    /// Checks a URL when it is set; a name that DNS does not know yet is let pass, to be checked at each attempt.
    ///
    /// - Throws: ``APIError`` `.invalidRequest` with the field `url`.
    func validate(url: String) async throws(APIError) {
        // 2083 is the documented bound. Source: AgentPhone API reference, webhooks.
        guard (1...2083).contains(url.count), let parts = URLComponents(string: url), let host = parts.host,
            !host.isEmpty, ["https", "http"].contains(parts.scheme?.lowercased() ?? ""), parts.user == nil
        else {
            throw .invalid("url", "must be an https URL of 1 to 2083 characters")
        }
        guard !allowsLocal else { return }
        let hint = "; the gateway's setting local_webhooks allows http and this machine's network"
        guard parts.scheme?.lowercased() == "https" else { throw .invalid("url", "must be https" + hint) }
        if case .refused(let reason) = try? await check(url: url) { throw .invalid("url", reason + hint) }
    }

    /// Checks a URL before an attempt.
    ///
    /// - Throws: What `resolve` throws.
    func check(url: String) async throws -> Verdict {
        if allowsLocal { return .unrestricted }
        guard let parts = URLComponents(string: url), parts.scheme?.lowercased() == "https",
            let host = parts.host?.trimmingCharacters(in: ["[", "]"]), !host.isEmpty
        else { return .refused("webhooks must be https") }
        switch try await PublicHost.check(host, resolve: resolve) {
        case .pinned(let address): return .pinned(host: host, address: address)
        case .refused(let reason): return .refused(reason)
        }
    }
}
