import CustomDump
import Foundation
import IssueReportingTestSupport
import Testing

@testable import tidewire

struct ConfigurationSecretTests {
    private let folder = ConfigurationFolder()

    @Test func `a secret comes from a variable of any name`() throws {
        try folder.write("api: { key: \"env:TIDEWIRE_PROVIDER\" }")
        let configuration = try folder.load(environment: ["TIDEWIRE_PROVIDER": "sk_live_1"])
        #expect(try configuration.api.key?.reveal() == "sk_live_1")
    }

    @Test func `a secret comes from a file, without the line's end`() throws {
        try folder.write("whsec_1\n", to: "secret")
        try folder.write("webhook: { secrets: [file:secret] }")
        #expect(try folder.load().webhook.secrets.map { try $0.reveal() } == ["whsec_1"])
    }

    @Test func `a setting's own variable may hold the secret itself`() throws {
        let configuration = try folder.load(
            environment: [
                "TIDEWIRE_API_KEY": "sk_live_1", "TIDEWIRE_WEBHOOK_SECRETS": "whsec_1,env:OLD", "OLD": "whsec_0",
            ])
        #expect(try configuration.api.key?.reveal() == "sk_live_1")
        #expect(try configuration.webhook.secrets.map { try $0.reveal() } == ["whsec_1", "whsec_0"])
    }

    @Test func `a secret written into the file is refused and not repeated`() throws {
        try folder.write("api:\n  key: sk_live_1")
        expectProblem(
            "\(folder.path)/tidewire.yaml:2: api.key: expected env:NAME or file:PATH, naming the variable or the file "
                + "that holds the secret; the secret itself does not belong here"
        ) { try folder.load() }
    }

    @Test func `a secret on the command line is refused and not repeated`() throws {
        let error = #expect(throws: ConfigurationError.self) { try folder.load(overrides: ["api.key": "sk_live_1"]) }
        #expect(error?.message.hasPrefix("command line: api.key: expected env:NAME or file:PATH") == true)
        #expect(error?.message.contains("sk_live_1") == false)
    }

    @Test(arguments: [
        ("env:NONE", "the environment variable NONE is not set"),
        ("env:EMPTY", "the environment variable EMPTY is not set"),
        ("file:/nowhere/secret", "can't read the secret's file /nowhere/secret"),
    ])
    func `a missing secret is an error when it is needed, naming file, line and key`(
        reference: String, message: String
    ) throws {
        try folder.write("api:\n  key: \(reference)")
        let key = try #require(try folder.load(environment: ["EMPTY": ""]).api.key)
        let error = #expect(throws: ConfigurationError.self) { try key.reveal() }
        #expect(error?.message == "\(folder.path)/tidewire.yaml:2: api.key: \(message)")
    }

    @Test func `an empty secret file is an error`() throws {
        let file = try folder.write(" \n", to: "secret")
        try folder.write("api: { key: file:secret }")
        let error = #expect(throws: ConfigurationError.self) { try folder.load().api.key?.reveal() }
        #expect(error?.message.hasSuffix("the secret's file \(file) is empty") == true)
    }

    @Test func `no way of printing shows a secret`() throws {
        let configuration = try folder.load(environment: ["TIDEWIRE_API_KEY": "sk_live_1"])
        let key = try #require(configuration.api.key)
        var dumped = ""
        dump(configuration, to: &dumped)
        customDump(configuration, to: &dumped)
        let texts = ["\(key)", String(reflecting: key), "\(configuration)", String(reflecting: configuration), dumped]
        for text in texts {
            #expect(text.contains("TIDEWIRE_API_KEY"))
            #expect(!text.contains("sk_live_1"))
        }
    }
}
