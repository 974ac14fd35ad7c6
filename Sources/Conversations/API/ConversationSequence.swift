extension ConversationAPI {
    /// All conversations, fetched page by page as they are asked for.
    ///
    /// Each conversation comes once. They come by latest activity, except those that became active while the pages
    /// were read: a page by offset skips these, so they are fetched again at the end.
    ///
    /// - Parameter pageSize: 1 to 100.
    public func allConversations(pageSize: Int = 100) -> ConversationSequence {
        ConversationSequence(api: self, pageSize: pageSize)
    }
}

/// The conversations of an account, page by page. An error ends it.
public struct ConversationSequence: AsyncSequence, Sendable {
    public typealias Element = Conversation
    public typealias Failure = APIError

    let api: any ConversationAPI
    let pageSize: Int

    public func makeAsyncIterator() -> Iterator {
        Iterator(api: api, pages: ConversationPages(pageSize: pageSize))
    }

    public struct Iterator: AsyncIteratorProtocol {
        private let api: any ConversationAPI
        private var pages: ConversationPages
        private var fetched: ArraySlice<Conversation> = []

        init(api: any ConversationAPI, pages: ConversationPages) {
            self.api = api
            self.pages = pages
        }

        public mutating func next() async throws(APIError) -> Conversation? {
            while true {
                if let conversation = fetched.popFirst() { return conversation }
                guard let offset = pages.nextOffset else { return nil }
                do throws(APIError) {
                    fetched = pages.add(try await api.conversations(limit: pages.pageSize, offset: offset))[...]
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
/// A conversation that becomes active moves to the top and pushes those above its old place down. The ones pushed down
/// are seen twice, which `seen` takes care of; the one that moved is not seen at all if its old place had yet to be
/// read. So after each pass that took several pages, the top is read again, down to what was there when that pass began.
struct ConversationPages {
    let pageSize: Int
    private(set) var nextOffset: Int? = 0
    private var seen: Set<Conversation.ID> = []
    /// Latest activity at the top when the present pass began; nil before its first page.
    private var top: Timestamp?
    /// Latest activity at the top when the pass before it began; nil in the first pass, which reads to the end.
    private var floor: Timestamp?

    init(pageSize: Int) {
        self.pageSize = pageSize
    }

    mutating func stop() {
        nextOffset = nil
    }

    /// - Returns: The conversations of `page` that no earlier page had.
    mutating func add(_ page: ConversationPage) -> [Conversation] {
        let offset = nextOffset ?? 0
        if offset == 0 { top = page.data.first?.lastMessageAt }
        if page.hasMore && !page.data.isEmpty && !reachesFloor(page) {
            nextOffset = offset + page.data.count
        } else if offset == 0 || top == floor {
            nextOffset = nil
        } else {
            floor = top
            nextOffset = 0
        }
        return page.data.filter { seen.insert($0.id).inserted }
    }

    private func reachesFloor(_ page: ConversationPage) -> Bool {
        guard let floor else { return false }
        return page.data.contains { conversation in conversation.lastMessageAt.map { $0 < floor } ?? true }
    }
}
