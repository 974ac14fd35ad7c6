import ConversationGateway
import CustomDump
import Testing

@testable import tidewire

@Suite struct RateLimitSettingTests {
    @Test(arguments: ["documented", "sendMessage=5/1h", "createAgent=1/90s"])
    func `an entry is read and written`(text: String) {
        #expect(RateLimitSetting(text) != nil)
        expectNoDifference(
            RateLimitSetting(text)?.description, text == "createAgent=1/90s" ? "createAgent=1/1m30s" : text)
    }

    @Test(arguments: [
        "", "all", "sendMessage", "sendMessage=5", "sendMessage=0/1h", "sendMessage=x/1h", "sendMessage=5/1",
        "send=5/1h",
        "sendMessage=5/500ms", "addPhone=5/1h",
    ])
    func `what is no entry is refused`(text: String) {
        expectNoDifference(RateLimitSetting(text), nil)
    }

    @Test func `an operation's own limits take the place of its documented ones`() {
        let settings = ["documented", "createAgent=1/1m", "createAgent=9/1h", "sendMessage=5/1h"]
        let limits = settings.compactMap(RateLimitSetting.init).limits
        expectNoDifference(
            limits["createAgent"], [RateLimit(count: 1, seconds: 60), RateLimit(count: 9, seconds: 3600)])
        expectNoDifference(limits["sendMessage"], [RateLimit(count: 5, seconds: 3600)])
        expectNoDifference(limits["setWebhook"], RateLimit.documented["setWebhook"])
    }

    @Test func `limits are set in a list, and an empty one sets none`() throws {
        func limits(_ text: String) throws -> [RateLimitSetting]? {
            try TidewireConfiguration.load(
                file: nil, environment: [:], overrides: ["gateway.rate_limits": text], directory: "/nonexistent"
            ).gateway.rateLimits
        }
        expectNoDifference(
            try limits("documented, sendMessage=5/1h")?.map(\.description), ["documented", "sendMessage=5/1h"])
        expectNoDifference(try limits(""), [])
        expectNoDifference(TidewireConfiguration().gateway.rateLimits, nil)
        #expect(throws: ConfigurationError.self) { try limits("sometimes") }
    }
}
