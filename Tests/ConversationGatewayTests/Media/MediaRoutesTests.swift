import Conversations
import CustomDump
import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import ConversationGateway

@Suite struct MediaRoutesTests {
    private static let png = Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) + Data(0..<92)

    @Test func `an upload is kept under its digest and served as what its bytes are`() async throws {
        let fixture = try GatewayFixture { $0.baseURL = "http://localhost:1234/" }
        try await fixture.routes { call in
            let made = try await call(
                "POST", "/sim/media", raw: Self.png, key: .simulation, headers: ["Content-Type": "text/html"])
            let digest = made.json.text("digest")
            expectNoDifference(
                made.json,
                [
                    "url": .string("http://localhost:1234/media/\(digest).png"), "kind": "image",
                    "content_type": "image/png", "byte_count": 100, "digest": .string(digest),
                ])
            expectSame(
                try await call("POST", "/sim/media", raw: Self.png, key: .simulation).json, made.json)
            let served = try await call("GET", "/media/\(digest).png", key: .none)
            expectNoDifference(served.status, 200)
            expectNoDifference(served.body, Self.png)
            expectNoDifference(served.headers[.contentType], "image/png")
            expectNoDifference(served.headers[.eTag], "\"\(digest)\"")
            expectNoDifference(served.headers[.cacheControl], "public, max-age=31536000, immutable")
            expectNoDifference(served.headers[.xContentTypeOptions], "nosniff")
            expectNoDifference(served.headers[.contentSecurityPolicy], "default-src 'none'; sandbox")
            expectNoDifference(served.headers[.contentDisposition], "inline")
            let files = try FileManager.default.contentsOfDirectory(
                atPath: fixture.directory.appendingPathComponent("media").path)
            expectNoDifference(files, ["\(digest).png"])
        }
    }

    @Test(arguments: [
        ("<html><script>", "text/html", "application/octet-stream", "file"),
        ("<svg onload=x>", "image/svg+xml", "application/octet-stream", "file"),
        ("not a picture", "image/png", "application/octet-stream", "file"),
        ("BEGIN:VCARD", "", "text/vcard", "contact"), ("%PDF-1.7", "", "application/pdf", "document"),
        ("just text", "text/plain; charset=utf-8", "text/plain", "document"),
    ])
    func `what is no picture, video or sound is for saving`(
        text: String, claim: String, type: String, kind: String
    ) async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let made = try await call(
                "POST", "/sim/media", raw: Data(text.utf8), key: .simulation, headers: ["Content-Type": claim])
            expectNoDifference(made.json.text("content_type"), type)
            expectNoDifference(made.json.text("kind"), kind)
            let path = try #require(URLComponents(string: made.json.text("url"))?.path)
            let served = try await call("GET", path, key: .none)
            expectNoDifference(served.headers[.contentType], type)
            expectNoDifference(served.headers[.contentDisposition], "attachment")
        }
    }

    @Test func `ranges, conditions and HEAD are answered`() async throws {
        let fixture = try GatewayFixture()
        let media = try await fixture.gateway.phones.upload(Self.png)
        try await fixture.routes { call in
            func get(_ headers: [String: String], method: String = "GET") async throws -> Caller.Answer {
                try await call(method, "/media/\(media.digest).png", key: .none, headers: headers)
            }
            let part = try await get(["Range": "bytes=10-19"])
            expectNoDifference(part.status, 206)
            expectNoDifference(part.body, Self.png[10...19])
            expectNoDifference(part.headers[.contentRange], "bytes 10-19/100")
            let beyond = try await get(["Range": "bytes=100-"])
            expectNoDifference(beyond.status, 416)
            expectNoDifference(beyond.headers[.contentRange], "bytes */100")
            expectSame(try await get(["If-None-Match": "\"\(media.digest)\""]).status, 304)
            expectSame(try await get(["Range": "bytes=0-1", "If-Range": "\"other\""]).status, 200)
            let head = try await get([:], method: "HEAD")
            expectNoDifference(head.headers[.contentLength], "100")
            expectNoDifference(head.body, Data())
        }
    }

    @Test(
        arguments: [
            ("bytes=0-0", .part(0...0)), ("bytes=5-", .part(5...9)), ("bytes=-3", .part(7...9)),
            ("bytes=-99", .part(0...9)),
            ("bytes=0-99999999999999999999", .part(0...9)), ("bytes=10-", .unsatisfiable), ("bytes=-0", .unsatisfiable),
            ("bytes=5-4", .whole), ("bytes=a-b", .whole), ("bytes=0-1,3-4", .whole), ("items=0-1", .whole),
            ("bytes=", .whole),
        ] as [(String, ByteRange)])
    func `a range is read as the RFC says`(header: String, range: ByteRange) {
        expectNoDifference(ByteRange(header: header, size: 10), range)
    }

    @Test func `no name leads out of the directory`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            for name in [
                "..%2Fgateway.sqlite", "gateway.sqlite", "%2e%2e", "upload-x.part",
                String(repeating: "a", count: 64) + ".png",
            ] {
                expectSame(try await call("GET", "/media/\(name)", key: .none).status, 404)
            }
        }
    }

    @Test func `what was left of an upload that broke off is gone at the next start`() throws {
        let first = try GatewayFixture()
        defer { first.remove() }
        let media = first.directory.appendingPathComponent("media")
        try Data("half".utf8).write(to: media.appendingPathComponent("upload-x.part"))
        _ = try GatewayFixture(in: first.directory, clock: first.clock)
        expectNoDifference(try FileManager.default.contentsOfDirectory(atPath: media.path), [])
    }

    @Test func `an empty upload and one past the limit leave nothing behind`() async throws {
        let fixture = try GatewayFixture { $0.mediaByteLimit = 99 }
        try await fixture.routes { call in
            expectSame(try await call("POST", "/sim/media", raw: Self.png, key: .simulation).status, 413)
            expectSame(try await call("POST", "/sim/media", raw: Data(), key: .simulation).status, 422)
            expectSame(try await call("POST", "/sim/media", raw: Self.png, key: .none).status, 401)
            let files = try FileManager.default.contentsOfDirectory(
                atPath: fixture.directory.appendingPathComponent("media").path)
            expectNoDifference(files, [])
        }
    }
}
