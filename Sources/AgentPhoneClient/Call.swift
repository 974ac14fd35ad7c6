import AsyncHTTPClient
import Conversations
import Foundation
import NIOCore
import NIOHTTP1

/// One call of the API, before it becomes a request.
struct Call: Sendable {
    /// What the caller is about, as the beginning of an error message: "reading conversation conv_1".
    var purpose: String
    var method: HTTPMethod
    /// Parts of the path below `/v1`, not yet encoded.
    var path: [String]
    var query: [(name: String, value: String)]
    var body: (any Encodable & Sendable)?
    /// Whether a second try could have the effect a second time.
    var isOnce: Bool

    init(
        _ purpose: String, _ method: HTTPMethod, _ path: [String], query: [(String, String)] = [],
        body: (any Encodable & Sendable)? = nil, isOnce: Bool = false
    ) {
        self.purpose = purpose
        self.method = method
        self.path = path
        self.query = query.map { (name: $0.0, value: $0.1) }
        self.body = body
        self.isOnce = isOnce
    }

    /// The request without its body.
    ///
    /// - Throws: ``APIError/Code/notFound`` for an id that no path can hold.
    func request(_ configuration: AgentPhoneConfiguration) throws(APIError) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: configuration.baseURL + (try target()))
        request.method = method
        request.headers = [
            "authorization": "Bearer \(configuration.apiKey)", "accept": "application/json", "user-agent": "tidewire",
        ]
        if body != nil { request.headers.add(name: "content-type", value: "application/json") }
        return request
    }

    /// - Throws: ``APIError/Code/invalidRequest`` for a body that JSON can't hold.
    func bodyBytes() throws(APIError) -> ByteBuffer? {
        guard let body else { return nil }
        do {
            return ByteBuffer(bytes: try JSON.encode(body))
        } catch {
            throw APIError(.invalidRequest, "\(purpose): it can't be written as JSON: \(error)")
        }
    }

    /// Path and query.
    func target() throws(APIError) -> String {
        var result = "/v1"
        for part in path {
            guard let segment = PercentEncoding.segment(part) else {
                throw APIError(.notFound, "\(purpose): there is no such id; nothing was asked of the server")
            }
            result += "/" + segment
        }
        let pairs = query.map { "\($0.name)=\(PercentEncoding.encode($0.value))" }
        return pairs.isEmpty ? result : result + "?" + pairs.joined(separator: "&")
    }
}

/// How values of any text stand in a URL.
enum PercentEncoding {
    /// Everything but the unreserved characters becomes `%XX`. Source: RFC 3986, sections 2.1 and 2.3.
    static func encode(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }

    /// One part of a path; nil where it is empty or would lead out of its place.
    ///
    /// Encoding alone is no guard against `..`: proxies decode a path before they take its dots away (RFC 3986,
    /// section 5.2.4).
    static func segment(_ text: String) -> String? {
        let parts = text.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }
        guard !text.isEmpty, !parts.contains("."), !parts.contains("..") else { return nil }
        return encode(text)
    }
}
