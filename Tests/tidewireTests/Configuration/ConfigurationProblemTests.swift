import CustomDump
import IssueReportingTestSupport
import Testing

@testable import tidewire

struct ConfigurationProblemTests {
    private let folder = ConfigurationFolder()

    @Test(arguments: [
        ("webhok:\n  listen: a:1", "1: webhok: unknown key; did you mean webhook?"),
        ("webhook:\n  body-limit: 1", "2: webhook.body-limit: unknown key; did you mean webhook.body_limit?"),
        ("body_limit: 1MiB", "1: body_limit: unknown key; did you mean webhook.body_limit?"),
        ("zebra: 1", "1: zebra: unknown key"),
        ("api: 5", "1: api: expected the settings of this section below it"),
        ("source:", "1: source: has no value: expected webhook, poll or both"),
        ("source: [poll]", "1: source: expected webhook, poll or both, got a list"),
        ("source: mail", "1: source: expected webhook, poll or both, got \"mail\""),
        ("source: { a: b }", "1: source: expected webhook, poll or both, got keys or lists below it"),
        ("source: poll\nsource: both", "1: these keys are set twice: source"),
        ("api.timeout: 1s\napi:\n  timeout: 2s", "3: api.timeout: is set twice"),
        (
            "api:\n  timeout: 30",
            "2: api.timeout: expected a duration such as 30s, 5m or 24h; from 100ms to 10m, got \"30\": "
                + "the unit is missing: 30s, 30m or 30h?"
        ),
        (
            "api: { timeout: 11m }",
            "1: api.timeout: expected a duration such as 30s, 5m or 24h; from 100ms to 10m, got \"11m\""
        ),
        ("limits: { shards: 0 }", "1: limits.shards: expected a whole number from 1 to 256, got \"0\""),
        (
            "webhook: { body_limit: 1MB }",
            "1: webhook.body_limit: expected a size such as 512KiB, 1MiB or a number of bytes; "
                + "from 1KiB to 64MiB, got \"1MB\""
        ),
        ("- a", "1: expected keys and values such as \"source: webhook\""),
        ("a: b: c", "1: not valid YAML: mapping values are not allowed in this context"),
    ])
    func `what is wrong in a file is named with line, key and remedy`(text: String, message: String) throws {
        try folder.write(text)
        expectProblem("\(folder.path)/tidewire.yaml:\(message)") { try folder.load() }
    }

    @Test func `everything that is wrong is said at once`() throws {
        try folder.write("sorce: poll\nlog:\n  level: loud")
        expectProblem(
            """
            \(folder.path)/tidewire.yaml:1: sorce: unknown key; did you mean source?
            TIDEWIRE_SORCE: no setting has this variable; did you mean TIDEWIRE_SOURCE?
            command line: api.timeot: unknown key; did you mean api.timeout?
            \(folder.path)/tidewire.yaml:3: log.level: expected trace, debug, info, notice, warning, error or critical, \
            got "loud"
            """
        ) {
            try folder.load(environment: ["TIDEWIRE_SORCE": "poll"], overrides: ["api.timeot": "1s"])
        }
    }

    @Test func `variables of other programs are left alone`() throws {
        #expect(throws: Never.self) { try folder.load(environment: ["PATH": "/bin", "TIDE": "high"]) }
    }

    @Test func `what a command can't do without is named with its variable`() {
        #expect(
            ConfigurationError.missing("api.key", for: "to call the API").message
                == "api.key: is not set, and is needed to call the API: "
                + "set it in tidewire.yaml, or TIDEWIRE_API_KEY in the environment")
    }
}
