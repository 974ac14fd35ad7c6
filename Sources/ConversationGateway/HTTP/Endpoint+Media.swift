import Conversations
import Foundation
import HTTPTypes
import Hummingbird

extension Endpoint {
    static let media = [
        Endpoint(.get, "/media/{name}", "getMedia", access: .open) { call throws(APIError) in
            try await call.serveMedia(withBody: true)
        },
        Endpoint(.head, "/media/{name}", "headMedia", access: .open) { call throws(APIError) in
            try await call.serveMedia(withBody: false)
        },
    ]
}

/// Which bytes of a file a request asks for. Source: RFC 9110, section 14.
enum ByteRange: Hashable, Sendable {
    case whole
    case part(ClosedRange<Int>)
    case unsatisfiable

    /// Reads a `Range` header of one range; several ranges, and what isn't a range, are ignored as the RFC allows.
    init(header: String?, size: Int) {
        self = .whole
        guard let header, header.hasPrefix("bytes="), !header.contains(",") else { return }
        let bounds = header.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2 else { return }
        func isNumber(_ text: Substring) -> Bool {
            !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        }
        switch (isNumber(bounds[0]), isNumber(bounds[1])) {
        case (true, true):
            let (first, last) = (Int(bounds[0]) ?? .max, Int(bounds[1]) ?? .max)
            guard first <= last else { return }
            self = first < size ? .part(first...min(last, size - 1)) : .unsatisfiable
        case (true, false) where bounds[1].isEmpty:
            let first = Int(bounds[0]) ?? .max
            self = first < size ? .part(first...(size - 1)) : .unsatisfiable
        case (false, true) where bounds[0].isEmpty:
            let length = min(Int(bounds[1]) ?? .max, size)
            self = length > 0 ? .part((size - length)...(size - 1)) : .unsatisfiable
        default: return
        }
    }
}

extension Call {
    fileprivate func serveMedia(withBody: Bool) async throws(APIError) -> Response {
        let name = part("name")
        guard let file = gateway.media.file(named: name) else { throw .notFound("Media") }
        do {
            let size = try FileManager.default.attributesOfItem(atPath: file.url.path)[.size] as? Int ?? 0
            return try await serve(file, tag: "\"\(name.prefix(64))\"", size: size, withBody: withBody)
        } catch {
            throw APIError(.unavailable, "The media cannot be read: \(error)", status: 503)
        }
    }

    private func serve(
        _ file: (url: URL, type: MediaType), tag: String, size: Int, withBody: Bool
    ) async throws -> Response {
        var headers = Self.headers(for: file.type, tag: tag)
        let known = request.headers[.ifNoneMatch]?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        if let known, known.contains(tag) || known.contains("*") {
            return Response(status: .notModified, headers: headers)
        }
        let isSameFile = request.headers[.ifRange].map { $0 == tag } ?? true
        let range = ByteRange(header: isSameFile ? request.headers[.range] : nil, size: size)
        if range == .unsatisfiable {
            headers[.contentRange] = "bytes */\(size)"
            return Response(status: .rangeNotSatisfiable, headers: headers)
        }
        guard withBody else {
            headers[.contentLength] = String(size)
            return Response(status: .ok, headers: headers)
        }
        let reader = FileIO()
        guard case .part(let bytes) = range else {
            let body = try await reader.loadFile(path: file.url.path, context: context)
            return Response(status: .ok, headers: headers, body: body)
        }
        headers[.contentRange] = "bytes \(bytes.lowerBound)-\(bytes.upperBound)/\(size)"
        let body = try await reader.loadFile(path: file.url.path, range: bytes, context: context)
        return Response(status: .partialContent, headers: headers, body: body)
    }

    /// Media come from strangers: a browser shall neither guess another type, nor run anything in it, nor show what is
    /// no picture, video or sound. Under its digest a file never changes.
    private static func headers(for type: MediaType, tag: String) -> HTTPFields {
        var headers: HTTPFields = [
            .contentType: type.contentType, .eTag: tag, .acceptRanges: "bytes",
            .cacheControl: "public, max-age=31536000, immutable", .xContentTypeOptions: "nosniff",
            .contentSecurityPolicy: "default-src 'none'; sandbox",
            .contentDisposition: type.isShown ? "inline" : "attachment",
        ]
        if let name = HTTPField.Name("Cross-Origin-Resource-Policy") { headers[name] = "cross-origin" }
        return headers
    }
}
