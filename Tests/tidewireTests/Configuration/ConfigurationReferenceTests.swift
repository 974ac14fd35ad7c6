import CustomDump
import Foundation
import IssueReportingTestSupport
import Testing

@testable import tidewire

struct ConfigurationReferenceTests {
    private let folder = ConfigurationFolder()

    @Test func `the sample changes nothing`() throws {
        try folder.write(Settings.sample())
        expectNoDifference(try folder.load(), try ConfigurationFolder.defaults(in: folder))
    }

    @Test func `the sample with its comments taken off has the defaults, so each default is a valid value`() throws {
        let lines = Settings.sample().split(separator: "\n").map { line in
            line.replacing(/^( *)#([a-z_]+: )/) { "\($0.1)\($0.2)" }
        }
        let set = lines.filter { $0.contains(/^ *[a-z_]+: [^…]/) && !$0.contains("env:NAME") }
        #expect(set.count == Settings.all.count(where: { Settings.defaultText($0) != nil }))
        try folder.write(lines.filter { !$0.contains("…") && !$0.contains("env:NAME") }.joined(separator: "\n"))
        expectNoDifference(try folder.load(), try ConfigurationFolder.defaults(in: folder))
    }

    @Test func `the reference names each setting with its variable and meaning`() {
        let reference = Settings.reference()
        for setting in Settings.all {
            #expect(reference.contains("\n    \(setting.summary)\n    Value: \(setting.expectation).\n"))
            #expect(reference.contains("    Variable: \(setting.environmentName)\n"))
        }
    }
}

extension ConfigurationFolder {
    fileprivate static func defaults(in folder: ConfigurationFolder) throws -> TidewireConfiguration {
        var configuration = TidewireConfiguration()
        configuration.stateDirectory = folder.path + "/.tidewire"
        return configuration
    }
}
