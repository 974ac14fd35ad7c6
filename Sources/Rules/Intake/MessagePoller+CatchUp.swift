public import Conversations

extension MessagePoller {
    private static let hostCursor = "host:start"

    /// Notes when this host first started; what is older never concerned it. To be called at each start.
    public func noteStart() async throws {
        guard try await store.cursor(Self.hostCursor) == nil else { return }
        try await store.setCursor(Self.hostCursor, to: Timestamp(now()).description)
    }

    /// Reads one conversation now, whether it is polled or not: for a wait that fell due while nothing ran, so that an
    /// answer that came in time counts.
    ///
    /// Looks back as far as the very first poll would, but not to before the host's first start.
    ///
    /// - Throws: ``APIError`` or ``EngineError``.
    public func catchUp(_ id: Conversation.ID) async throws {
        guard let conversation = try await conversation(id) else { return }
        let first = try await store.cursor(Self.hostCursor).flatMap(Timestamp.init)
        let back = Timestamp(now()).advanced(by: .zero - lookback)
        let after = max(first ?? back, back)
        let messages = try await newMessages(in: id, after: after)
        _ = try await keep(try events(of: messages, in: conversation, since: after))
    }

    /// Nil if it is gone.
    func conversation(_ id: Conversation.ID) async throws -> Conversation? {
        do {
            return try await api.conversation(id, messageLimit: 1).conversation
        } catch  where error.code == .notFound {
            return nil
        }
    }
}
