import Packs
import Testing

@Suite struct NearestNameTests {
    private let keys = ["channel", "body", "media", "metadata", "from", "to"]

    @Test(arguments: [
        ("chanel", "channel"), ("chnanel", "channel"), ("Channel", "channel"), ("medai", "media"), ("boddy", "body"),
        ("form", "from"), ("t", "to"), ("metadat", "metadata"),
    ])
    func `a slip finds what was meant`(_ slip: String, _ meant: String) {
        #expect(NearestName.of(slip, among: keys) == meant)
        #expect(NearestName.suggestion(for: slip, among: keys) == "; did you mean \"\(meant)\"?")
    }

    @Test(arguments: ["colour", "x9", "hours", "", "🙂🙂🙂"])
    func `what is near nothing gets the whole list`(_ name: String) {
        #expect(NearestName.of(name, among: keys) == nil)
        #expect(
            NearestName.suggestion(for: name, among: keys)
                == "; known are body, channel, from, media, metadata, to")
    }

    @Test func `of two that are equally near the first by name is taken`() {
        #expect(NearestName.of("bat", among: ["cat", "bar"]) == "bar")
    }

    @Test func `a name of any length is judged`() {
        #expect(NearestName.of(String(repeating: "x", count: 100_000), among: keys) == nil)
    }
}
