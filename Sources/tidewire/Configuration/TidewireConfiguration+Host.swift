import DurableExecution
import Foundation
import Rules

/// The settings as the host's parts take them.
extension TidewireConfiguration {
    /// - Throws: ``CommandError`` for settings that don't fit each other.
    func ruleHost(allowsPrivateMedia: Bool) throws -> RuleHostConfiguration {
        var host = RuleHostConfiguration(
            shards: limits.shardCount, isOnlyMetadataWriter: metadata == .exclusive,
            allowsPrivateMedia: allowsPrivateMedia, commandDeadline: limits.commandDeadline, limits: limits.rules,
            policy: try policy.configuration(), isDryRun: isDryRun)
        host.repeatsReactions = api.repeatReactions
        return host
    }

    var engine: EngineConfiguration {
        var engine = EngineConfiguration()
        engine.isDryRun = isDryRun
        engine.maxAge = limits.maxAge
        engine.retry.attemptLimit = limits.retryAttempts
        engine.retry.firstDelay = limits.retryFirstDelay
        engine.retry.longestDelay = limits.retryLongestDelay
        engine.retry.timeLimit = limits.retryBudget
        engine.keptPrograms = limits.keptRuns
        engine.quotas = limits.quotas
        engine.storeQuota = limits.storeQuota
        engine.waitLimit = limits.waits
        engine.secondLookDelay = api.lookAgainAfter
        engine.retention.events = retention.events
        engine.retention.identities = retention.identities
        engine.retention.byteLimit = retention.size
        return engine
    }
}

extension TidewireConfiguration.Limits {
    var rules: RuleLimits {
        RuleLimits(
            cpu: cpu, wall: wall, memoryBytes: memory, processMemoryBytes: processMemory, keptMemoryBytes: keptMemory,
            stepLogLines: stepLogLines, stepLogBytes: stepLogBytes, pattern: pattern)
    }
}

extension TidewireConfiguration.Policy {
    /// - Throws: ``CommandError``, `configuration`, for settings that don't fit each other.
    func configuration() throws -> PolicyConfiguration {
        do {
            return PolicyConfiguration(
                optOut: try OptOutWords(stop: stopWords, start: startWords), quietHours: try quietHours(), fuses: fuses)
        } catch let problem as PolicyProblem {
            throw CommandError(ExitStatus.configuration, problem.description)
        }
    }

    private func quietHours() throws -> QuietHours? {
        let given = [quietFrom, quietTo, quietZone]
        if given.allSatisfy({ $0 == nil }) { return nil }
        guard let quietFrom, let quietTo, let quietZone else {
            let missing = zip(["from", "to", "zone"], given).filter { $0.1 == nil }.map(\.0)
            throw CommandError(
                ExitStatus.configuration,
                "policy.quiet_hours: \(missing.joined(separator: " and ")) must be set too, as from, to and zone belong "
                    + "together")
        }
        return try QuietHours(
            from: quietFrom, to: quietTo, zone: quietZone, action: quietAction, answerWindow: quietAnswerWindow)
    }
}
