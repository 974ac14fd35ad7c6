import Testing

/// Runs each test of a suite twice: as it is, and with every run of a rule rebuilt from its beginning at each command.
///
/// A rule, binding or outcome that a restart would break fails the second time.
struct ReplayModes: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func scopeProvider(for test: Test, testCase: Test.Case?) -> ReplayModes? { testCase == nil ? nil : self }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        for replaysAlways in [false, true] {
            try await RuleBench.$replaysAlways.withValue(replaysAlways) { try await function() }
        }
    }
}

extension Trait where Self == ReplayModes {
    static var bothReplayModes: Self { ReplayModes() }
}
