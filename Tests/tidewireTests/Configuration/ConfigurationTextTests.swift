import CustomDump
import IssueReportingTestSupport
import Packs
import Rules
import Testing

@testable import tidewire

struct DurationTextTests {
    @Test(arguments: [
        ("0s", Duration.zero, "0s"), ("250ms", .milliseconds(250), "250ms"), ("30s", .seconds(30), "30s"),
        ("5m", .seconds(300), "5m"), ("24h", .seconds(86_400), "1d"), ("90m", .seconds(5400), "1h30m"),
        ("1d2h3m4s5ms", .milliseconds(93_784_005), "1d2h3m4s5ms"),
    ])
    func `a duration is read, and written in its shortest form`(
        text: String, duration: Duration, written: String
    ) throws {
        #expect(try DurationText.parse(text) == duration)
        #expect(DurationText.format(duration) == written)
        #expect(try DurationText.parse(written) == duration)
    }

    @Test(arguments: [
        ("", "a number and a unit (ms, s, m, h or d) are needed"),
        ("soon", "a number and a unit (ms, s, m, h or d) are needed"),
        ("-5s", "a number and a unit (ms, s, m, h or d) are needed"),
        ("5 s", "the unit is missing: 5s, 5m or 5h?"),
        ("1.5s", "the unit is missing: 1s, 1m or 1h?"),
        ("5w", "\"w\" is not a unit: use ms, s, m, h or d"),
        ("5m1h", "units go from the largest to the smallest, each once"),
        ("5m5m", "units go from the largest to the smallest, each once"),
        ("99999999999999999999s", "the number is too large"),
        ("999999999999999d", "the number is too large"),
        ("9223372036854775807ms", nil),
        ("106751991167d9223372036854775807ms", "the number is too large"),
        ("٣s", "a number and a unit (ms, s, m, h or d) are needed"),
    ])
    func `anything else is refused with what to write`(text: String, message: String?) {
        var found: String?
        do throws(DurationText.ParsingError) {
            _ = try DurationText.parse(text)
        } catch {
            found = error.message
        }
        #expect(found == message)
    }
}

struct ByteCountTests {
    @Test(arguments: [
        ("0", 0, "0"), ("1000", 1000, "1000"), ("1024", 1024, "1KiB"), ("1 MiB", 1_048_576, "1MiB"),
        ("2GiB", 2_147_483_648, "2GiB"),
    ])
    func `a size is read, and written in its largest unit`(text: String, bytes: Int, written: String) {
        #expect(ByteCount.parse(text) == bytes)
        #expect(ByteCount.text(bytes) == written)
    }

    @Test(arguments: ["", "MiB", "1MB", "1k", "-1", "1.5MiB", "9223372036854775807GiB"])
    func `anything else is refused`(text: String) {
        #expect(ByteCount.parse(text) == nil)
    }
}

struct ListenAddressTests {
    @Test(arguments: [
        ("127.0.0.1:8470", "127.0.0.1", 8470, true), ("localhost:0", "localhost", 0, true),
        ("[::1]:65535", "::1", 65535, true), ("0.0.0.0:80", "0.0.0.0", 80, false),
        ("127.example.com:80", "127.example.com", 80, false), ("[::]:1", "::", 1, false),
    ])
    func `an address is read and written`(text: String, host: String, port: Int, isLoopback: Bool) throws {
        let address = try #require(ListenAddress(text))
        expectNoDifference(address, ListenAddress(host: host, port: port))
        #expect(address.description == text)
        #expect(address.isLoopback == isLoopback)
    }

    @Test(arguments: [
        "", "8470", ":8470", "host", "host:", "host:x", "host:65536", "host:-1", "host:+1", "::1:80", "[a]:1", "a b:1",
    ])
    func `anything else is refused`(text: String) {
        #expect(ListenAddress(text) == nil)
    }
}

struct SpellingTests {
    @Test(arguments: [
        ("source", "source", 0), ("sorce", "source", 1), ("suorce", "source", 1), ("sauce", "source", 2),
        ("", "abc", 3),
        ("Source", "source", 0),
    ])
    func `the distance counts edits and swaps`(first: String, second: String, distance: Int) {
        #expect(NearestName.distance(first, second) == distance)
        #expect(NearestName.distance(second, first) == distance)
    }

    @Test func `what is far from everything has no nearest`() {
        #expect(Spelling.nearest(to: "zebra", among: ["source", "packs"]) == nil)
        #expect(Spelling.nearest(to: "pakcs", among: ["source", "packs"]) == "packs")
        #expect(Spelling.nearest(to: "listen", among: ["source", "webhook.listen"]) == "webhook.listen")
    }
}
