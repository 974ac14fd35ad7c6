import Conversations
import CustomDump
import DurableExecution
import Testing

@testable import Rules

@Suite struct EventIdentityTests {
    @Test func `a message by webhook and by poll has one identity`() throws {
        let told = try ConversationEvent.message(id: "msg_1").new(delivery: "del_1")
        let polled = try ConversationEvent(Message.sample("msg_1"), in: .sample()).new(source: "poll")
        expectNoDifference(told.identities, ["message:msg_1", "delivery:del_1"])
        expectNoDifference(polled.identities, ["message:msg_1"])
    }

    @Test func `equal texts in one second are told apart by their deliveries`() throws {
        let first = try ConversationEvent.message(id: nil).new(delivery: "del_1")
        let second = try ConversationEvent.message(id: nil).new(delivery: "del_2")
        expectNoDifference(first.identities, ["delivery:del_1"])
        expectNoDifference(second.identities, ["delivery:del_2"])
    }

    @Test func `without message id and delivery id, what was said is the identity`() throws {
        let first = try ConversationEvent.message(id: nil).new()
        #expect(try first.identities == ConversationEvent.message(id: nil).new().identities)
        for other: ConversationEvent in [
            .message("Bye", id: nil), .message(id: nil, in: "conv_2"), .message(id: nil, media: ["https://e.com/1"]),
            .message(id: nil, at: noon.advanced(by: .seconds(1))), .message(id: nil, direction: .outbound),
        ] {
            #expect(try other.new().identities != first.identities)
        }
    }

    @Test func `a reaction is message, sender, type and second`() throws {
        let whole = try ConversationEvent.reaction().new()
        let fraction = try ConversationEvent.reaction(at: noon.advanced(by: .milliseconds(250))).new()
        #expect(whole.identities == fraction.identities)
        for other: ConversationEvent in [
            .reaction(.like), .reaction(on: "msg_8"), .reaction(at: noon.advanced(by: .seconds(1))),
        ] {
            #expect(try other.new().identities != whole.identities)
        }
    }

    @Test func `a call is its id`() throws {
        #expect(try ConversationEvent.call().new(delivery: "d").identities == ["call:call_1", "delivery:d"])
    }

    @Test func `an event waits in its conversation's queue`() throws {
        #expect(try ConversationEvent.message(in: "conv_7").new().queue == "conv_7")
        #expect(try ConversationEvent.call().new().queue == "call:call_1")
    }

    private func matches(_ message: Message, _ event: ConversationEvent) throws -> Bool {
        EventIdentity.matches(message, try #require(event.message))
    }

    @Test func `a read message is the one told of, with or without fractions of the second`() throws {
        let told = ConversationEvent.message(id: nil)
        #expect(try matches(.sample(at: noon), told))
        #expect(try matches(.sample(at: noon.advanced(by: .milliseconds(999))), told))
        #expect(try !matches(.sample(at: noon.advanced(by: .seconds(1))), told))
        #expect(try !matches(.sample(at: noon.advanced(by: .milliseconds(-1))), told))
    }

    @Test func `two different fractions are two moments`() throws {
        let told = ConversationEvent.message(id: nil, at: noon.advanced(by: .milliseconds(100)))
        #expect(try matches(.sample(at: noon.advanced(by: .milliseconds(100))), told))
        #expect(try !matches(.sample(at: noon.advanced(by: .milliseconds(200))), told))
    }

    @Test func `text, side and media must agree`() throws {
        let told = ConversationEvent.message(id: nil)
        #expect(try !matches(.sample("m", "Bye"), told))
        #expect(try !matches(.sample(direction: .outbound), told))
        #expect(try !matches(.sample(media: ["https://e.com/1"]), told))
    }

    @Test func `media agree by all their URLs, or by the first where only one is told`() throws {
        let urls = ["https://e.com/1?signature=a", "https://e.com/2"]
        let one = ConversationEvent.message(id: nil, media: ["https://e.com/1?signature=b"])
        #expect(try matches(.sample(media: urls), one))
        #expect(try matches(.sample(media: urls), .message(id: nil, media: urls)))
        #expect(try !matches(.sample(media: urls), .message(id: nil, media: urls.reversed())))
        #expect(try !matches(.sample(media: urls), .message(id: nil, media: ["https://e.com/2"])))
    }
}
