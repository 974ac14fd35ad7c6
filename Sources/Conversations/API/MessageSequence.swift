extension ConversationAPI {
    /// Messages of a conversation, newest first, fetched page by page as they are asked for.
    ///
    /// Each message comes once, also where several share a timestamp. Messages that arrive meanwhile are left out.
    ///
    /// - Parameters:
    ///   - before: Only messages received earlier than this, not at it.
    ///   - after: Only messages received later than this, not at it.
    ///   - pageSize: 1 to 200. Larger pages are asked for where a page brings nothing new.
    public func messages(
        in id: Conversation.ID, before: Timestamp? = nil, after: Timestamp? = nil, pageSize: Int = 100
    ) -> MessageSequence {
        MessageSequence(api: self, conversation: id, before: before, after: after, pageSize: pageSize)
    }
}

/// The messages of a conversation, page by page. An error ends it.
public struct MessageSequence: AsyncSequence, Sendable {
    public typealias Element = Message
    public typealias Failure = APIError

    let api: any ConversationAPI
    let conversation: Conversation.ID
    let before: Timestamp?
    let after: Timestamp?
    let pageSize: Int

    public func makeAsyncIterator() -> Iterator {
        Iterator(
            api: api, conversation: conversation,
            pages: MessagePages(before: before, after: after, pageSize: pageSize))
    }

    public struct Iterator: AsyncIteratorProtocol {
        private let api: any ConversationAPI
        private let conversation: Conversation.ID
        private var pages: MessagePages
        private var fetched: ArraySlice<Message> = []

        init(api: any ConversationAPI, conversation: Conversation.ID, pages: MessagePages) {
            self.api = api
            self.conversation = conversation
            self.pages = pages
        }

        public mutating func next() async throws(APIError) -> Message? {
            while true {
                if let message = fetched.popFirst() { return message }
                guard let cursor = pages.next else { return nil }
                do throws(APIError) {
                    let page = try await api.messages(
                        in: conversation, limit: cursor.limit, before: cursor.before, after: nil)
                    fetched = try pages.add(page)[...]
                } catch {
                    pages.stop()
                    throw error
                }
            }
        }
    }
}

/// Which page comes next, and what of it is new.
///
/// The API's cursors are timestamps, which messages can share: a page may end between two of them. So the next page
/// begins one unit of time after the last message of the one before, and what was seen is dropped. The unit is a second
/// until a timestamp shows a fraction, since a server that prints whole seconds may hold finer ones.
///
/// `after` is not passed on: of the messages after it, no document says whether a page holds the newest or the oldest.
struct MessagePages {
    struct Cursor: Hashable {
        var limit: Int
        var before: Timestamp?
    }

    /// Largest page. Source: AgentPhone guide "Conversations", "Get conversation messages".
    static let limitMaximum = 200

    private(set) var next: Cursor?
    private let pageSize: Int
    private let after: Timestamp?
    /// Messages that the next page may hold again.
    private var seen: [Message.ID: Timestamp] = [:]
    private var unit = Duration.seconds(1)

    init(before: Timestamp?, after: Timestamp?, pageSize: Int) {
        self.pageSize = pageSize
        self.after = after
        next = Cursor(limit: pageSize, before: before)
    }

    mutating func stop() {
        next = nil
    }

    /// - Returns: The messages of `page` that no earlier page had, newest first.
    /// - Throws: ``APIError/Code/badResponse`` if more messages share a timestamp than a page holds.
    mutating func add(_ page: MessagePage) throws(APIError) -> [Message] {
        guard let cursor = next else { return [] }
        for message in page.data { unit = min(unit, message.receivedAt.unit) }
        let new = page.data.filter { seen[$0.id] == nil }.sorted { $0.receivedAt > $1.receivedAt }
        let edge = page.data.map(\.receivedAt).min()
        let reachedAfter = after.map { after in edge.map { $0 <= after } ?? true } ?? false
        if let edge, page.hasMore, !reachedAfter {
            next = try cursorPast(edge, from: cursor, isNew: !new.isEmpty)
            for message in new { seen[message.id] = message.receivedAt }
            if let before = next?.before { seen = seen.filter { $0.value < before } }
        } else {
            next = nil
        }
        return new.filter { message in after.map { message.receivedAt > $0 } ?? true }
    }

    private func cursorPast(_ edge: Timestamp, from cursor: Cursor, isNew: Bool) throws(APIError) -> Cursor {
        let bound = edge.advanced(by: unit)
        let before = cursor.before.map { min($0, bound) } ?? bound
        if before != cursor.before { return Cursor(limit: pageSize, before: before) }
        guard cursor.limit < Self.limitMaximum || isNew else {
            throw APIError(
                .badResponse,
                "more than \(cursor.limit) messages were received at \(edge), and the API cannot page past them")
        }
        return Cursor(limit: max(cursor.limit, min(cursor.limit * 2, Self.limitMaximum)), before: before)
    }
}

extension Timestamp {
    /// The coarsest of second, millisecond and microsecond that this is a whole number of.
    fileprivate var unit: Duration {
        if microseconds % 1_000_000 == 0 { return .seconds(1) }
        return microseconds % 1_000 == 0 ? .milliseconds(1) : .microseconds(1)
    }
}
