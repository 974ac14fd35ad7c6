import BoundedListener
import ConversationGateway
import DurableExecution
import Rules

/// Everything that can be set: the one table from which reading, checking, help and the sample file come.
enum Settings {
    static let environmentPrefix = "TIDEWIRE_"
    /// Names the file to read instead of `tidewire.yaml`.
    static let fileVariable = "TIDEWIRE_CONFIG"

    /// In the order in which help and sample show them.
    static let all: [Setting] =
        host + listeners + limits + quotas + policy + retention + gateway + logging

    private static let host: [Setting] = [
        Setting(
            "state_directory", .path, \.stateDirectory,
            "Where databases, keys, lock and admin socket live. By default beside tidewire.yaml."),
        Setting(
            "packs", .list(.path), \.packs,
            "The folders of the packs whose rules run."),
        Setting(
            "api.base_url", .baseURL, \.api.baseURL,
            "The conversations API."),
        Setting(
            "api.key", .optional(.secret), \.api.key,
            "The API's key."),
        Setting(
            "api.timeout", .duration(.milliseconds(100)...(.seconds(600))), \.api.timeout,
            "How long one call may take."),
        Setting(
            "api.look_again_after", .duration(.zero...(.seconds(3600))), \.api.lookAgainAfter,
            "A send or reaction that may have taken place, and is not found, is looked for once more after this: the API "
                + "may list it late."),
        Setting(
            "api.repeat_reactions", .boolean, \.api.repeatReactions,
            "Whether adding a reaction twice makes one: then a reaction whose outcome is unknown is added again."),
        Setting(
            "source", .choice, \.source,
            "How messages come: by webhook, by polling, or both; the same message by both ways is one event."),
        Setting(
            "webhook.listen", .address, \.webhook.listen,
            "Where webhooks are received."),
        Setting(
            "webhook.path", .text("a path such as /webhooks/agentphone", matching: "/[A-Za-z0-9._~/-]*"),
            \.webhook.path,
            "The path of the provider's webhook."),
        Setting(
            "webhook.secrets", .list(.secret), \.webhook.secrets,
            "The webhook's signing secrets; while one is rotated, the old and the new one."),
        Setting(
            "webhook.body_limit", .bytes(1024...67_108_864), \.webhook.bodyLimit,
            "Larger deliveries are refused (413)."),
        Setting(
            "webhook.body_memory", .bytes(1_048_576...4_294_967_296), \.webhook.bodyMemory,
            "Memory that all deliveries being read may take up; past it they are answered 503."),
        Setting(
            "poll.interval", .duration(.milliseconds(100)...(.seconds(86_400))), \.poll.interval,
            "How long polling rests between two looks."),
        Setting(
            "poll.lookback", .duration(.zero...(.seconds(90 * 86_400))), \.poll.lookback,
            "How old a message may be to be taken when polling looks for the first time."),
        Setting(
            "poll.catch_up", .duration(.zero...(.seconds(3600))), \.poll.catchUp,
            "How long a start reads what was missed before it takes webhooks and runs rules; then both begin anyway."),
        Setting(
            "metadata", .choice, \.metadata,
            "exclusive: nobody else writes conversations' metadata, so the read before each write is spared."),
        Setting(
            "monitor.listen", .optional(.address), \.monitorListen,
            "Where /metrics (for Prometheus), /health and /ready are served. By default on the admin socket only."),
    ]

    private static let listeners: [Setting] = [
        Setting(
            "listeners.connections", .integer(16...65_536), \.listeners.connections,
            "Connections open at once at each listener. One too many replaces the one that has been idle longest."),
        Setting(
            "listeners.head_timeout", .duration(.milliseconds(100)...(.seconds(600))), \.listeners.headTimeout,
            "How long a client may take for its first request's headers."),
        Setting(
            "listeners.body_timeout", .duration(.milliseconds(100)...(.seconds(3600))), \.listeners.bodyTimeout,
            "How long a client may take for a request's body."),
        Setting(
            "listeners.idle_timeout", .duration(.milliseconds(100)...(.seconds(3600))), \.listeners.idleTimeout,
            "How long a connection may wait for its next request."),
    ]

    private static let limits: [Setting] = [
        Setting(
            "shutdown.grace", .duration(.zero...(.seconds(3600))), \.shutdownGrace,
            "How long calls in the air may take to end when the process is asked to stop. Then they are cut off."),
        Setting(
            "limits.shards", .optional(.integer(1...256)), \.limits.shards,
            "Threads that run rules. By default one for each processor core."),
        Setting(
            "limits.max_age", .duration(.seconds(60)...(.seconds(90 * 86_400))), \.limits.maxAge,
            "Older events are recorded, not run: nobody is answered days late."),
        Setting(
            "limits.retry_attempts", .integer(1...100), \.limits.retryAttempts,
            "How often a command is tried, the first time included."),
        Setting(
            "limits.retry_first_delay", .duration(.milliseconds(10)...(.seconds(3600))), \.limits.retryFirstDelay,
            "The delay before the second try; each further one doubles it."),
        Setting(
            "limits.retry_longest_delay", .duration(.milliseconds(10)...(.seconds(86_400))),
            \.limits.retryLongestDelay,
            "The longest delay between two tries, unless the API asks for more."),
        Setting(
            "limits.retry_budget", .duration(.zero...(.seconds(7 * 86_400))), \.limits.retryBudget,
            "How long after its first try a command may be tried again."),
        Setting(
            "limits.command_deadline", .duration(.seconds(1)...(.seconds(3600))), \.limits.commandDeadline,
            "How long one try of a command may take."),
        Setting(
            "limits.waits", .integer(1...10_000), \.limits.waits,
            "How many runs of a rule may wait in one conversation; each of its events is offered to all of them."),
        Setting(
            "limits.cpu", .duration(.milliseconds(1)...(.seconds(60))), \.limits.cpu,
            "Processor time that a rule may use between two commands."),
        Setting(
            "limits.wall", .duration(.milliseconds(1)...(.seconds(600))), \.limits.wall,
            "Time on the clock that a rule may take between two commands."),
        Setting(
            "limits.pattern", .duration(.milliseconds(1)...(.seconds(60))), \.limits.pattern,
            "Processor time of one search for a pattern of `when` or of a wait. It can't pause, so others wait for it."),
        Setting(
            "limits.memory", .bytes(1_048_576...4_294_967_296), \.limits.memory,
            "Memory that a pack's rules may use on one thread."),
        Setting(
            "limits.process_memory", .bytes(16_777_216...1_099_511_627_776), \.limits.processMemory,
            "Memory that all rules may use together; past it, the one that runs is stopped."),
        Setting(
            "limits.kept_runs", .integer(0...1_000_000), \.limits.keptRuns,
            "Waiting runs that are kept in memory. Others cost none, and are rebuilt from their journals when they go on."
        ),
        Setting(
            "limits.kept_memory", .bytes(0...1_099_511_627_776), \.limits.keptMemory,
            "Memory that rules' states with kept runs in them may hold together; past it runs are no longer kept."),
    ]

    private static let quotas: [Setting] = [
        Setting(
            "limits.journal", .bytes(65_536...1_099_511_627_776), \.limits.quotas.journalBytes,
            "What the commands and outcomes of one run may take up in the database; past it, the run fails."),
        Setting(
            "limits.log_lines", .integer(0...100_000_000), \.limits.quotas.logLines,
            "Lines that one run may log. Further ones are dropped, as for the next three settings."),
        Setting(
            "limits.log_bytes", .bytes(0...1_099_511_627_776), \.limits.quotas.logBytes,
            "What the log of one run may take up."),
        Setting(
            "limits.step_log_lines", .integer(0...1_000_000), \.limits.stepLogLines,
            "Lines that a run may log between two commands."),
        Setting(
            "limits.step_log_bytes", .bytes(0...67_108_864), \.limits.stepLogBytes,
            "What it may log between two commands."),
        Setting(
            "limits.store_key", .bytes(1...65_536), \.limits.storeQuota.keyBytes,
            "Length of a key in a pack's store."),
        Setting(
            "limits.store_value", .bytes(1...1_073_741_824), \.limits.storeQuota.valueBytes,
            "Size of one value in a pack's store."),
        Setting(
            "limits.store_keys", .integer(1...1_000_000_000), \.limits.storeQuota.keys,
            "Keys in one pack's store, those of all conversations included."),
        Setting(
            "limits.store_size", .bytes(1...1_099_511_627_776), \.limits.storeQuota.bytes,
            "Size of one pack's store, keys and values of all conversations."),
    ]

    private static let policy: [Setting] = [
        Setting(
            "dry_run", .boolean, \.isDryRun,
            "Whether sends, reactions and metadata are only listed, and answered as if they had happened."),
        Setting(
            "policy.opt_out.stop", .list(.phrase), \.policy.stopWords,
            "Whole messages by which a person wants no more messages from the number. An empty list turns it off."),
        Setting(
            "policy.opt_out.start", .list(.phrase), \.policy.startWords,
            "Whole messages that undo it."),
        Setting(
            "policy.quiet_hours.from", .optional(.timeOfDay), \.policy.quietFrom,
            "From when nobody is written to, except in answer. Needs to and zone."),
        Setting(
            "policy.quiet_hours.to", .optional(.timeOfDay), \.policy.quietTo,
            "Until when; may be the next morning."),
        Setting(
            "policy.quiet_hours.zone", .optional(.timeZone), \.policy.quietZone,
            "In which time zone."),
        Setting(
            "policy.quiet_hours.action", .choice, \.policy.quietAction,
            "hold: what a rule sends then waits until they are over. refuse: it fails with the code quiet_hours."),
        Setting(
            "policy.quiet_hours.answer_window", .duration(.zero...(.seconds(86_400))), \.policy.quietAnswerWindow,
            "How long after a person's message an answer may go out all the same."),
        Setting(
            "policy.fuses.conversation", .rate, \.policy.fuses.conversation,
            "More sends and reactions to one person: the rule sends them nothing for a while."),
        Setting(
            "policy.fuses.rule", .rate, \.policy.fuses.rule,
            "More sends and reactions by one rule pause it."),
        Setting(
            "policy.fuses.number", .rate, \.policy.fuses.number,
            "More sends and reactions from one number pause the rule that makes most of them."),
        Setting(
            "policy.fuses.stops", .rate, \.policy.fuses.stops,
            "More runs of a rule that were stopped at a limit pause it."),
        Setting(
            "policy.fuses.metadata", .rate, \.policy.fuses.metadata,
            "More changes of metadata by one rule pause it."),
        Setting(
            "policy.fuses.reads", .rate, \.policy.fuses.reads,
            "More reads of conversations and messages by one rule pause it."),
        Setting(
            "policy.fuses.typing", .rate, \.policy.fuses.typing,
            "More signs of typing by one rule pause it."),
        Setting(
            "policy.fuses.broadcasts", .rate, \.policy.fuses.broadcasts,
            "More messages of one rule to people other than the one it ran for pause it."),
    ]

    private static let retention: [Setting] = [
        Setting(
            "retention.events", .duration(.seconds(3600)...(.seconds(3650 * 86_400))), \.retention.events,
            "How long events are kept, with what rules did. Those with unfinished runs stay."),
        Setting(
            "retention.identities", .duration(.seconds(3600)...(.seconds(3650 * 86_400))), \.retention.identities,
            "How long it is known that an event was there, so that it does not count as new."),
        Setting(
            "retention.size", .optional(.bytes(16_777_216...(1 << 50))), \.retention.size,
            "How large the engine's database may grow before older events go early. By default by age alone."),
    ]

    private static let gateway: [Setting] = [
        Setting(
            "gateway.listen", .address, \.gateway.listen,
            "Where the local conversations API is served."),
        Setting(
            "gateway.api_keys", .list(.secret), \.gateway.apiKeys,
            "Keys that the gateway accepts, beside the one that is generated at first start."),
        Setting(
            "gateway.number", .text("a number in E.164 such as +15555550100", matching: "\\+[1-9][0-9]{6,14}"),
            \.gateway.number,
            "The number that the gateway's agent has at first start."),
        Setting(
            "gateway.number_imessage", .boolean, \.gateway.numberIMessage,
            "Whether that number has iMessage."),
        Setting(
            "gateway.base_url", .optional(.baseURL), \.gateway.baseURL,
            "What links to media start with. By default where this machine reaches the gateway; set it where others "
                + "reach it by another address."),
        Setting(
            "gateway.local_webhooks", .boolean, \.gateway.localWebhooks,
            "Whether webhooks may be http and lead to this machine or its network. In dev they always may."),
        Setting(
            "gateway.media_limit", .bytes(1024...4_294_967_296), \.gateway.mediaLimit,
            "Larger media are refused (413)."),
        Setting(
            "gateway.rate_limits", .optional(.list(.rateLimit)), \.gateway.rateLimits,
            "How often operations may be called (429). By default as documented, and without limits in dev."),
        Setting(
            "gateway.cap_before_reply", .optional(.integer(1...1_000_000)), \.gateway.caps.beforeReply,
            "Messages to someone who has never written (CONVERSATION_AWAITING_REPLY)."),
        Setting(
            "gateway.cap_streak", .optional(.integer(1...1_000_000)), \.gateway.caps.streak,
            "Messages in a row without an answer (CONVERSATION_STREAK_LIMIT)."),
        Setting(
            "gateway.cap_inactivity", .optional(.duration(.seconds(1)...(.seconds(3650 * 86_400)))),
            \.gateway.caps.inactivity,
            "How long ago someone may have written last (CONVERSATION_INACTIVE)."),
        Setting(
            "gateway.cap_outbound_per_day", .optional(.integer(1...1_000_000_000)), \.gateway.caps.outboundPerDay,
            "Messages of a number in 24 hours (OUTBOUND_LIMIT_REACHED)."),
        Setting(
            "gateway.cap_new_conversations_per_day", .optional(.integer(1...1_000_000_000)),
            \.gateway.caps.newConversationsPerDay,
            "Conversations that a number starts in 24 hours (NEW_CONVERSATION_LIMIT_REACHED); 50 in the service."),
        Setting(
            "gateway.delivery_retention", .duration(.seconds(86_400)...(.seconds(3650 * 86_400))),
            \.gateway.deliveryRetention,
            "How long webhook deliveries that are over stay listed."),
        Setting(
            "gateway.retry_delays", .list(.duration(.milliseconds(10)...(.seconds(7 * 86_400)))),
            \.gateway.retryDelays,
            "The delays before a failed webhook delivery is tried again."),
        Setting(
            "gateway.webhook_message_ids", .boolean, \.gateway.webhookMessageIDs,
            "Whether webhook payloads carry messageId: newer ones of the service do, the documented ones don't."),
    ]

    private static let logging: [Setting] = [
        Setting(
            "log.level", .choice, \.log.level,
            "The least level that is logged."),
        Setting(
            "log.format", .choice, \.log.format,
            "text for people, json for machines."),
    ]

    /// The keys that only hold others: `api`, `webhook`, …
    static let sections = Set(
        all.flatMap { setting in
            let parts = setting.key.split(separator: ".")
            return (1..<max(parts.count, 1)).map { parts.prefix($0).joined(separator: ".") }
        })

    static subscript(key: String) -> Setting? { table[key] }

    private static let table = Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) })
}
