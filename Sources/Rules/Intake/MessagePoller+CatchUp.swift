public import Conversations
import Logging

extension MessagePoller {
    private static let hostCursor = "host:start"

    /// Notes when this host first started; what is older never concerned it. To be called at each start.
    public func noteStart() async throws {
        guard try await store.cursor(Self.hostCursor) == nil else { return }
        try await store.setCursor(Self.hostCursor, to: Timestamp(now()).description)
    }

    /// Reads what was missed while nothing ran, before anything else begins; tries again for as long as `patience` lasts.
    ///
    /// What is accepted after it came later, so each conversation's messages have their turns in the order in which they
    /// were sent.
    ///
    /// - Returns: Whether it got through.
    public func catchUp(within patience: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await catchUpInsisting() }
            group.addTask {
                try? await clock.sleep(for: patience)
                guard !Task.isCancelled else { return false }
                logger.warning(
                    """
                    what was missed could not all be read within \(patience) (poll.catch_up); it is read meanwhile, and \
                    what comes now may be handled before it
                    """)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    private func catchUpInsisting() async -> Bool {
        var isFirst = true
        while true {
            do {
                let found = try await look()
                if found > 0 { logger.notice("\(found) messages and reactions came while nothing ran") }
                return true
            } catch  where Task.isCancelled {
                return false
            } catch {
                let failure = error as? APIError
                // What concerns one conversation alone doesn't hold up all the others.
                if failure?.concernsOneConversation == true { return true }
                let message = failure?.message ?? "\(error)"
                logger.log(level: isFirst ? .warning : .debug, "what was missed can't be read yet: \(message)")
                isFirst = false
                do { try await clock.sleep(for: failure?.retryAfter ?? .seconds(1)) } catch { return false }
            }
        }
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
