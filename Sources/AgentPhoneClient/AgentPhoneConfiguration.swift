import Foundation

/// Where the API is and with which key it is called.
public struct AgentPhoneConfiguration: Sendable, Hashable {
    /// The API of the hosted service. Source: AgentPhone guide "Conversations", examples.
    public static let hostedURL = "https://api.agentphone.to"

    /// Seconds that a call may take, from connecting to the answer's last byte.
    public static let defaultTimeout: Duration = .seconds(30)

    /// Bytes. A page of 200 messages stays below a tenth of it.
    public static let defaultBodyLimit = 8 * 1024 * 1024

    /// Without `/v1` and without a slash at its end.
    public let baseURL: String
    public let apiKey: String
    public let timeout: Duration
    /// Bytes of the largest answer that is read.
    public let bodyLimit: Int

    /// - Parameters:
    ///   - baseURL: Begins with `http://` or `https://`; a `/v1` or a slash at its end is taken off.
    ///   - apiKey: Visible ASCII characters alone.
    ///   - timeout: More than zero.
    ///   - bodyLimit: More than zero.
    /// - Throws: ``AgentPhoneConfigurationError``, which names the parameter at fault.
    public init(
        baseURL: String, apiKey: String, timeout: Duration = defaultTimeout, bodyLimit: Int = defaultBodyLimit
    ) throws(AgentPhoneConfigurationError) {
        guard let url = Self.trimmed(baseURL) else {
            throw AgentPhoneConfigurationError(
                .invalidBaseURL,
                "the base URL \"\(baseURL)\" must begin with http:// or https://, name a host, and have no user, query "
                    + "or fragment; for example \(Self.hostedURL)")
        }
        guard !apiKey.isEmpty else {
            throw AgentPhoneConfigurationError(.invalidAPIKey, "the API key is empty")
        }
        guard apiKey.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw AgentPhoneConfigurationError(
                .invalidAPIKey, "the API key holds a space, a line break or another character that no key has")
        }
        guard timeout > .zero else {
            throw AgentPhoneConfigurationError(.invalidTimeout, "the timeout \(timeout) must be more than zero")
        }
        guard bodyLimit > 0 else {
            throw AgentPhoneConfigurationError(.invalidBodyLimit, "the body limit \(bodyLimit) must be more than zero")
        }
        self.baseURL = url
        self.apiKey = apiKey
        self.timeout = timeout
        self.bodyLimit = bodyLimit
    }

    private static func trimmed(_ text: String) -> String? {
        guard let url = URLComponents(string: text), ["http", "https"].contains(url.scheme?.lowercased()),
            let host = url.host, !host.isEmpty, url.user == nil, url.password == nil, url.query == nil,
            url.fragment == nil, url.port.map({ (1...65_535).contains($0) }) ?? true
        else { return nil }
        var result = Substring(text)
        while result.hasSuffix("/") { result.removeLast() }
        if result.hasSuffix("/v1") { result.removeLast(3) }
        while result.hasSuffix("/") { result.removeLast() }
        return String(result)
    }
}

extension AgentPhoneConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Without the key.
    public var description: String { "\(baseURL), timeout \(timeout), body limit \(bodyLimit) bytes" }
    public var debugDescription: String { description }
    public var customMirror: Mirror {
        Mirror(self, children: ["baseURL": baseURL, "timeout": timeout, "bodyLimit": bodyLimit])
    }
}

/// Which part of a configuration can't be used, and why.
public struct AgentPhoneConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable, Hashable {
        case invalidBaseURL = "invalid_base_url"
        case invalidAPIKey = "invalid_api_key"
        case invalidTimeout = "invalid_timeout"
        case invalidBodyLimit = "invalid_body_limit"
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
