import Conversations
import CustomDump
import TestSupport
import Testing

extension ConversationAPIConformance {
    @Test(arguments: Way.allCases) func `metadata is replaced whole`(way: Way) async throws {
        try await onAccount(way) { account in
            let id = try await account.conversation(["one"])
            _ = try await account.api.update(id, metadata: ["customerName": "Jane Doe", "topic": ["a": 1, "b": 2]])
            let detail = try await account.api.update(id, metadata: ["topic": ["a": 3]])
            expectNoDifference(detail.conversation.metadata, ["topic": ["a": 3]])
            expectNoDifference(detail.messages.map(\.body), ["one"])
            let read = try await account.api.conversation(id, messageLimit: 50)
            expectNoDifference(read, detail)
        }
    }

    @Test(arguments: Way.allCases) func `null clears metadata, and what is left out leaves it`(way: Way) async throws {
        try await onAccount(way) { account in
            let id = try await account.conversation(["one"])
            _ = try await account.api.update(id, metadata: ["topic": "order"])
            let left = try await account.api.update(id, with: ConversationUpdate())
            expectNoDifference(left.conversation.metadata, ["topic": "order"])
            let cleared = try await account.api.update(id, with: ConversationUpdate(metadata: .cleared))
            expectNoDifference(cleared.conversation.metadata, nil)
            let read = try await account.api.conversation(id, messageLimit: 1)
            expectNoDifference(read.conversation.metadata, nil)
        }
    }

    @Test(arguments: Way.allCases) func `an empty object is not the same as none`(way: Way) async throws {
        try await onAccount(way) { account in
            let id = try await account.conversation(["one"])
            _ = try await account.api.update(id, metadata: ["topic": "order"])
            let emptied = try await account.api.update(id, metadata: [:])
            expectNoDifference(emptied.conversation.metadata, [:])
            let listed = try await account.api.conversations(limit: 1, offset: 0)
            expectNoDifference(listed.data.map(\.metadata), [[:]])
        }
    }

    @Test(arguments: Way.allCases) func `every kind of value comes back as it was stored`(way: Way) async throws {
        try await onAccount(way) { account in
            let id = try await account.conversation(["one"])
            let metadata: Metadata = [
                "none": nil, "yes": true, "no": false, "count": 0, "least": .integer(.min), "most": .integer(.max),
                "share": 0.1, "tiny": 1e-300, "text": "Grüße 👋🏽 \u{1F468}\u{200D}\u{1F469} \"\\/\n\t\u{01}",
                "": "no name",
                "empty": [:], "list": [[], [nil, [:]], "a"], "deep": ["a": ["b": ["c": [1, 2.5, nil]]]],
            ]
            let updated = try await account.api.update(id, metadata: metadata)
            expectNoDifference(updated.conversation.metadata, metadata)
            let listed = try await account.api.conversations(limit: 1, offset: 0)
            expectNoDifference(listed.data[0].metadata, metadata)
        }
    }

    @Test(arguments: Way.allCases) func `metadata is no activity`(way: Way) async throws {
        try await onAccount(way) { account in
            let first = try await account.conversation(["one"], from: "+15550000001")
            account.clock.advance(by: .seconds(1))
            _ = try await account.conversation(["two"], from: "+15550000002")
            let before = try await account.api.conversations(limit: 20, offset: 0)
            account.clock.advance(by: .seconds(1))
            _ = try await account.api.update(first, metadata: ["topic": "order"])
            var after = try await account.api.conversations(limit: 20, offset: 0)
            expectNoDifference(after.data.map(\.metadata), [nil, ["topic": "order"]])
            after.data[1].metadata = nil
            expectNoDifference(after, before)
        }
    }
}

extension ConversationAPI {
    func update(_ id: Conversation.ID, metadata: Metadata) async throws(APIError) -> ConversationDetail {
        try await update(id, with: ConversationUpdate(metadata: .replaced(metadata)))
    }
}
