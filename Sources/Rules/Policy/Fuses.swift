/// How many in how long.
public struct FuseRate: Sendable, Hashable, CustomStringConvertible {
    /// At least 1.
    public var count: Int
    public var period: Duration

    public init(_ count: Int, per period: Duration) {
        self.count = max(1, count)
        self.period = period
    }

    /// Reads `20/1m`: a number, and a duration as everywhere.
    ///
    /// - Parameter key: The setting, for the message.
    /// - Throws: ``PolicyProblem``.
    public init(_ text: String, key: String) throws(PolicyProblem) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let period = parts.count == 2 ? try? DurationText.parse(String(parts[1])) : nil
        guard parts.count == 2, let count = Int(parts[0]), (1...100_000).contains(count), let period,
            period > .zero
        else {
            throw PolicyProblem(
                key: key, message: "\"\(text)\" is no rate; write a number and a time, as in \"20/1m\"")
        }
        self.init(count, per: period)
    }

    /// `20/1m`.
    public var description: String { "\(count)/\(DurationText.format(period))" }
}

/// Rates at which something is taken to have gone wrong: then the rule is paused until a person resumes it, or sends one
/// person nothing for a while.
///
/// Sends, replies and reactions count. Nil leaves one out.
public struct Fuses: Sendable, Hashable {
    /// Effects to one person from one number: nobody reads more than a message every three seconds.
    public var conversation: FuseRate?
    /// Effects of one rule.
    public var rule: FuseRate?
    /// Effects from one number, of all rules: past what most carriers pass on anyhow. Source: AgentPhone reference,
    /// "Messaging rate limits" (10DLC: 2.25 to 12 messages a second in the lower tiers).
    public var number: FuseRate?
    /// Runs of one rule that were stopped because they used up a limit.
    public var stops: FuseRate?
    /// Changes of metadata by one rule.
    public var metadata: FuseRate?
    /// Reads of conversations and messages by one rule.
    public var reads: FuseRate?
    /// Signs of typing by one rule.
    public var typing: FuseRate?
    /// Messages of one rule to people other than the one whose event it runs for.
    public var broadcasts: FuseRate?

    public init(
        conversation: FuseRate? = FuseRate(20, per: .seconds(60)), rule: FuseRate? = FuseRate(600, per: .seconds(60)),
        number: FuseRate? = FuseRate(600, per: .seconds(60)), stops: FuseRate? = FuseRate(5, per: .seconds(600)),
        metadata: FuseRate? = FuseRate(3000, per: .seconds(60)), reads: FuseRate? = FuseRate(3000, per: .seconds(60)),
        typing: FuseRate? = FuseRate(600, per: .seconds(60)),
        broadcasts: FuseRate? = FuseRate(1000, per: .seconds(3600))
    ) {
        self.metadata = metadata
        self.reads = reads
        self.typing = typing
        self.broadcasts = broadcasts
        self.conversation = conversation
        self.rule = rule
        self.number = number
        self.stops = stops
    }

    /// No fuse at all.
    public static let none = Fuses(
        conversation: nil, rule: nil, number: nil, stops: nil, metadata: nil, reads: nil, typing: nil, broadcasts: nil)
}
