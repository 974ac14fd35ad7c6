import CustomDump
import Foundation
import IssueReportingTestSupport
import Testing

@testable import tidewire

struct ConfigurationLoadingTests {
    private let folder = ConfigurationFolder()

    @Test func `without a file everything has its default`() throws {
        var expected = TidewireConfiguration()
        expected.stateDirectory = folder.path + "/.tidewire"
        expectNoDifference(try folder.load(), expected)
    }

    @Test func `a file, the environment and flags override each other in this order`() throws {
        try folder.write(
            """
            api:
              timeout: 1s
              base_url: http://127.0.0.1:1/
            poll:
              interval: 1m
            source: poll
            """)
        let configuration = try folder.load(
            environment: ["TIDEWIRE_API_TIMEOUT": "2s", "TIDEWIRE_POLL_INTERVAL": "2m"],
            overrides: ["poll.interval": "3m"])

        var expected = TidewireConfiguration()
        expected.stateDirectory = folder.path + "/.tidewire"
        expected.api.baseURL = "http://127.0.0.1:1"
        expected.source = .poll
        expected.api.timeout = .seconds(2)
        expected.poll.interval = .seconds(180)
        expectNoDifference(configuration, expected)
    }

    @Test func `lists come from a file as lists and from elsewhere separated by commas`() throws {
        try folder.write("packs: [a, /b]\ngateway: { retry_delays: [1s, 1m30s] }")
        expectNoDifference(try folder.load().packs, [folder.path + "/a", "/b"])
        expectNoDifference(try folder.load().gateway.retryDelays, [.seconds(1), .seconds(90)])
        expectNoDifference(
            try folder.load(environment: ["TIDEWIRE_PACKS": "/c, /d"], overrides: [:]).packs, ["/c", "/d"])
        expectNoDifference(try folder.load(overrides: ["gateway.retry_delays": ""]).gateway.retryDelays, [])
    }

    @Test func `relative paths begin where they are written`() throws {
        let file = try folder.write("state_directory: ../state\npacks: [mine]", to: "etc/tidewire.yaml")
        let configuration = try folder.load(file: file, overrides: ["packs": "mine"])
        #expect(configuration.stateDirectory == folder.path + "/state")
        #expect(configuration.packs == [folder.path + "/mine"])
    }

    @Test func `the state directory is by default beside the file`() throws {
        let file = try folder.write("source: both", to: "etc/tidewire.yaml")
        #expect(try folder.load(file: file).stateDirectory == folder.path + "/etc/.tidewire")
    }

    @Test func `a variable may name the file, and a flag comes before it`() throws {
        try folder.write("source: both", to: "one.yaml")
        try folder.write("source: poll", to: "two.yaml")
        #expect(try folder.load(environment: ["TIDEWIRE_CONFIG": "one.yaml"]).source == .both)
        #expect(try folder.load(file: "two.yaml", environment: ["TIDEWIRE_CONFIG": "one.yaml"]).source == .poll)
    }

    @Test func `a file that was named must exist`() throws {
        expectProblem("\(folder.path)/none.yaml: the configuration does not exist") {
            try folder.load(file: "none.yaml")
        }
    }

    @Test func `an empty variable counts as not set`() throws {
        #expect(try folder.load(environment: ["TIDEWIRE_API_TIMEOUT": "", "TIDEWIRE_PACKS": ""]).packs == [])
    }

    @Test(arguments: ["", "# nothing", "api:\n", "api: {}\n", "~"])
    func `a file may be empty, and so may a section`(text: String) throws {
        try folder.write(text)
        #expect(try folder.load().api == TidewireConfiguration.API())
    }

    @Test func `every setting is read, and refuses what it can't be`() throws {
        for setting in Settings.all where setting.key != "state_directory" && setting.key != "packs" {
            let expected = setting.expectation.replacing("a list, each ", with: "")
            expectProblem(containing: "tidewire.yaml:1: \(setting.key): expected \(expected)") {
                try folder.write(setting.isList ? "\(setting.key): [\"?\"]" : "\(setting.key): \"?\"")
                return try folder.load()
            }
        }
    }

    @Test(arguments: [
        ("webhook.path", "hooks"), ("webhook.path", "/a b"), ("webhook.path", "/a?b"), ("webhook.path", "/a\n"),
        ("gateway.number", "5555550100"), ("gateway.number", "+1555"), ("gateway.number", "+15555550100\n"),
        ("api.base_url", "api.agentphone.to"), ("api.base_url", "ftp://host"), ("api.base_url", "https://"),
        ("api.base_url", "https://user:pass@host"), ("api.base_url", "https://host/?a=b"),
    ])
    func `a text that does not fit wholly is refused`(key: String, text: String) throws {
        expectProblem(containing: "command line: \(key): expected") { try folder.load(overrides: [key: text]) }
    }

    @Test func `an alias in a file stands for its anchor`() throws {
        try folder.write("api: { timeout: &short 2s }\npoll: { interval: *short }")
        #expect(try folder.load().poll.interval == .seconds(2))
    }

    @Test func `every setting has a variable of its own that is read`() throws {
        #expect(Set(Settings.all.map(\.environmentName)).count == Settings.all.count)
        for setting in Settings.all where !setting.isSecret && setting.expectation.contains("path") == false {
            expectProblem(containing: "\(setting.environmentName): \(setting.key): expected") {
                try folder.load(environment: [setting.environmentName: "?"])
            }
        }
    }
}
