import Testing

/// How runs that wait are rebuilt; no rule may notice.
enum ReplayMode: CaseIterable {
    /// As in a host that lives: a waiting run is kept in memory.
    case kept
    /// Half of the waiting runs are rebuilt though they were kept.
    case forgetful
    /// Each run is rebuilt from its beginning at every command.
    case always
}

/// Runs each test of a suite in every ``ReplayMode``.
///
/// A rule, binding or outcome that a restart would break fails in the later ones.
struct ReplayModes: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func scopeProvider(for test: Test, testCase: Test.Case?) -> ReplayModes? { testCase == nil ? nil : self }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        for mode in ReplayMode.allCases {
            try await RuleBench.$replayMode.withValue(mode) { try await function() }
        }
    }
}

extension Trait where Self == ReplayModes {
    static var allReplayModes: Self { ReplayModes() }
}
