import Conversations
import Foundation
import Testing

@testable import Rules

@Suite struct FilterTests {
    private static let photo = ConversationEvent.message(
        "Look, my order!", media: ["https://example.com/a.png"], metadata: ["topic": "orders", "visits": 2])

    /// A filter of one condition, an event, and why it turns the event away.
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var filter: Filter
        var event = FilterTests.photo
        var refusal: String?

        init(
            _ name: String, _ refusal: String? = nil, on event: ConversationEvent = FilterTests.photo,
            _ set: (inout Filter) -> Void
        ) {
            self.name = name
            self.event = event
            self.refusal = refusal
            filter = Filter()
            set(&filter)
        }

        var testDescription: String { name }
    }

    private static let passing: [Row] = [
        Row("nothing") { _ in },
        Row("channel") { $0.channel = [.sms, .imessage] },
        Row("media any") { $0.media = .any },
        Row("media none", on: .message()) { $0.media = .some(.none) },
        Row("media kind") { $0.media = .kinds([.image, .video]) },
        Row("body") { $0.body = Filter.Words(["refund", "ORDER"]) },
        Row("from") { $0.from = ["+15559876543"] },
        Row("to") { $0.to = ["+15551234567"] },
        Row("agent") { $0.agent = ["agt_1"] },
        Row("number") { $0.number = ["+15551234567"] },
        Row("number by id") { $0.number = ["num_1"] },
        Row("metadata") { $0.metadata = ["topic": ["orders", "returns"]] },
        Row("metadata, an integer as a number") { $0.metadata = ["visits": [2.0]] },
        Row("metadata, a key that is missing") { $0.metadata = ["closed": [.null]] },
        Row("direction any", on: .message(direction: .outbound)) { $0.direction = [] },
        Row("first", on: Self.first(true)) { $0.first = true },
        Row("not first", on: Self.first(false)) { $0.first = false },
        Row("reaction", on: .reaction(.question)) { $0.reaction = [.question] },
        Row("reaction's text", on: .reaction(body: "your order")) { $0.body = Filter.Words(["order"]) },
        Row("call", on: .call()) { _ in },
        Row("hours, a call without a time", on: .call()) { $0.hours = Self.night },
    ]

    private static let refusing: [Row] = [
        Row("direction", "direction is outbound, not inbound", on: .message(direction: .outbound)) { _ in },
        Row("direction web", "direction is web, not inbound", on: .call(["callId": "c", "direction": "web"])) { _ in },
        Row("channel", "channel is imessage, not mms, sms") { $0.channel = [.sms, .mms] },
        Row("channel unknown", "channel is not known, not sms", on: .message(channel: nil)) { $0.channel = [.sms] },
        Row("media any", "there is no media", on: .message()) { $0.media = .any },
        Row("media none", "there is media (image)") { $0.media = .some(.none) },
        Row("media kind", "media is image, not audio, video") { $0.media = .kinds([.video, .audio]) },
        Row("media kind, none", "there is no media, let alone image", on: .message()) { $0.media = .kinds([.image]) },
        Row("body", "the text has none of: refund, return") { $0.body = Filter.Words(["return", "refund"]) },
        Row("from", "from is +15559876543, not jane@example.com") { $0.from = ["jane@example.com"] },
        Row("to", "to is +15551234567, not +15550000000") { $0.to = ["+15550000000"] },
        Row("agent", "agent is agt_1, not agt_2") { $0.agent = ["agt_2"] },
        Row("agent unknown", "agent is not known, not agt_2", on: .call()) { $0.agent = ["agt_2"] },
        Row("number", "number is +15551234567, not num_2") { $0.number = ["num_2"] },
        Row("metadata", "metadata.topic is \"orders\", not \"returns\"") { $0.metadata = ["topic": ["returns"]] },
        Row("metadata missing", "metadata.closed is not set, not true") { $0.metadata = ["closed": [true]] },
        Row("metadata present", "metadata.visits is 2, not 3, not set") { $0.metadata = ["visits": [.null, 3]] },
        Row("first", "it is not the conversation's first message", on: first(false)) { $0.first = true },
        Row("first, not known", "it is not the conversation's first message") { $0.first = true },
        Row("not first", "it is the conversation's first message", on: first(true)) { $0.first = false },
        Row("reaction", "reaction is love, not question", on: .reaction(.love)) { $0.reaction = [.question] },
        Row("hours", "it came outside the hours") { $0.hours = night },
    ]

    private static let night = OpeningHours(from: 22 * 60, to: 6 * 60, zone: .gmt, days: Set(1...7))

    private static func first(_ isFirst: Bool) -> ConversationEvent {
        var event = ConversationEvent.message()
        event.isFirst = isFirst
        return event
    }

    @Test(arguments: passing)
    func `an event that meets the condition passes`(_ row: Row) {
        #expect(row.filter.refusal(of: row.event) == nil)
    }

    @Test(arguments: refusing)
    func `an event that doesn't is refused with a reason`(_ row: Row) {
        #expect(row.filter.refusal(of: row.event) == row.refusal)
    }

    @Test func `conditions are joined by and`() {
        var filter = Filter()
        filter.channel = [.imessage]
        filter.body = Filter.Words(["order"])
        #expect(filter.refusal(of: Self.photo) == nil)
        filter.metadata = ["topic": ["returns"]]
        #expect(filter.refusal(of: Self.photo) != nil)
    }
}
