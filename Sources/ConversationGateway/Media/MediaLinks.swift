import Foundation

/// Turns URLs of this gateway's own media into a short form that holds wherever the gateway listens, and back.
///
/// Stored messages outlive the port that they were received on.
struct MediaLinks: Sendable, Hashable {
    private static let scheme = "media:"
    /// Such as `http://127.0.0.1:8080`, without a slash at its end.
    let base: String

    init(base: String) {
        self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
    }

    func url(of name: String) -> String { "\(base)/media/\(name)" }

    func shortened(_ url: String) -> String {
        let prefix = "\(base)/media/"
        return url.hasPrefix(prefix) ? Self.scheme + url.dropFirst(prefix.count) : url
    }

    func expanded(_ stored: String) -> String {
        stored.hasPrefix(Self.scheme) ? url(of: String(stored.dropFirst(Self.scheme.count))) : stored
    }
}
