public import AsyncHTTPClient
public import Conversations
import Foundation
import NIOCore
import NIOHTTP1
import PublicAddresses

/// Tells what an attachment is whose URL doesn't say so.
public protocol MediaInspecting: Sendable {
    /// The kind, by what the server says or by the first bytes; nil if neither tells, or the media can't be had.
    func kind(of url: String) async -> MediaKind?
}

/// Looks at an attachment's first bytes with one bounded, ranged GET.
public struct MediaInspector: MediaInspecting {
    private static let byteLimit = 512

    private let client: HTTPClient
    private let allowsPrivateAddresses: Bool
    private let timeout: TimeAmount

    /// - Parameters:
    ///   - client: Must not follow redirects, which could lead to addresses that are not checked.
    ///   - timeout: For the whole look.
    public init(client: HTTPClient, allowsPrivateAddresses: Bool, timeout: Duration = .seconds(5)) {
        self.client = client
        self.timeout = .nanoseconds(Int64(timeout / .nanoseconds(1)))
        self.allowsPrivateAddresses = allowsPrivateAddresses
    }

    public func kind(of url: String) async -> MediaKind? {
        guard let components = URLComponents(string: url), let host = components.host,
            ["http", "https"].contains(components.scheme?.lowercased() ?? "")
        else { return nil }
        if allowsPrivateAddresses { return await kind(of: url, with: client) }
        guard case .pinned(let address) = try? await PublicHost.check(host) else { return nil }
        // The very address that was found public is the one to connect to.
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.dnsOverride = [host: address]
        let pinned = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
        let kind = await kind(of: url, with: pinned)
        try? await pinned.shutdown()
        return kind
    }

    private func kind(of url: String, with client: HTTPClient) async -> MediaKind? {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "Range", value: "bytes=0-\(Self.byteLimit - 1)")
        guard let response = try? await client.execute(request, timeout: timeout),
            (200..<300).contains(Int(response.status.code))
        else { return nil }
        if let type = response.headers.first(name: "Content-Type"), let kind = MediaKind(contentType: type) {
            return kind
        }
        return await kind(ofBytes: response.body)
    }

    private func kind(ofBytes body: HTTPClientResponse.Body) async -> MediaKind? {
        var bytes: [UInt8] = []
        do {
            for try await chunk in body {
                bytes += chunk.readableBytesView
                if bytes.count >= Self.byteLimit { break }
            }
        } catch {
            return nil
        }
        return MediaKind(firstBytes: bytes)
    }
}
