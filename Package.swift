// swift-tools-version: 6.2

import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let customDump: Target.Dependency = .product(name: "CustomDump", package: "swift-custom-dump")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTesting: Target.Dependency = .product(name: "HummingbirdTesting", package: "hummingbird")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let issueReporting: Target.Dependency = .product(
    name: "IssueReportingTestSupport", package: "xctest-dynamic-overlay")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

func library(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport", customDump, issueReporting], exclude: exclude,
        swiftSettings: strict)
}

let package = Package(
    name: "tidewire",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "tidewire", targets: ["tidewire"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        // One trait, not the default two: SwiftPM passes a set of several in an order that changes from run to run, and
        // each run would compile Hummingbird again.
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: ["FullFoundation"]),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/pointfreeco/swift-custom-dump", from: "1.7.3"),
        .package(url: "https://github.com/pointfreeco/xctest-dynamic-overlay", from: "1.13.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Level 0: foundations that know neither each other nor anything above.
        .target(name: "CLua", linkerSettings: [.linkedLibrary("lua5.4")]),
        // Lua without a sandbox, for benchmarks.
        .target(name: "StockLua", linkerSettings: [.linkedLibrary("lua5.4")]),
        library("BoundedListener", [httpTypes, hummingbirdCore, nioCore, nioHTTPTypes]),
        library("Conversations", [crypto]),
        library("DurableExecution", [crypto, grdb, logging, metrics]),
        library("Packs", [crypto, yams]),
        library("PublicAddresses", [nioCore]),

        // Level 1
        library("Lua", ["CLua"]),
        library("AgentPhoneClient", ["Conversations", asyncHTTPClient, nioCore, nioHTTP1]),
        library(
            "ConversationGateway",
            [
                "BoundedListener", "Conversations", "PublicAddresses", asyncHTTPClient, crypto, grdb, httpTypes,
                hummingbird, logging, metrics, nioCore, nioHTTP1, serviceLifecycle, yams,
            ]),

        // Level 2: the room where they meet.
        library(
            "Rules",
            [
                "Lua", "Conversations", "DurableExecution", "Packs", "PublicAddresses", asyncHTTPClient, logging,
                metrics, nioCore,
                nioHTTP1,
                serviceLifecycle,
            ],
            resources: ["shared", "conversation", "modules", "waits", "types"].map {
                .embedInCode("Bindings/\($0).lua")
            }),

        // Level 4
        .executableTarget(
            name: "tidewire",
            dependencies: [
                "AgentPhoneClient", "BoundedListener", "ConversationGateway", "Conversations", "DurableExecution",
                "Packs", "Rules",
                argumentParser, asyncHTTPClient, configuration, hummingbird, httpTypes, logging, metrics, nioCore,
                nioHTTP1,
                serviceLifecycle, unixSignals, yams,
            ],
            swiftSettings: strict),

        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "AgentPhoneClient", "ConversationGateway", "Conversations", "DurableExecution", "Lua", "Packs", "Rules",
                "StockLua",
                argumentParser, asyncHTTPClient, crypto, grdb, histogram, hummingbird, httpTypes, logging, nioCore,
                nioHTTP1, serviceLifecycle,
            ],
            swiftSettings: strict),

        .target(
            name: "TestSupport", dependencies: [customDump], path: "Tests/TestSupport", swiftSettings: strict),
        tests("BoundedListenerTests", ["BoundedListener", httpTypes, nioCore, nioEmbedded, nioHTTPTypes]),
        tests("ConversationsTests", ["Conversations"]),
        tests("DurableExecutionTests", ["DurableExecution", grdb, logging]),
        tests("PacksTests", ["Packs"]),
        tests("PublicAddressesTests", ["PublicAddresses"]),
        tests("LuaTests", ["Lua"], exclude: ["Hostile"]),
        tests(
            "AgentPhoneClientTests",
            ["AgentPhoneClient", "Conversations", asyncHTTPClient, httpTypes, hummingbird, nioCore]),
        tests(
            "ConversationGatewayTests",
            [
                "AgentPhoneClient", "ConversationGateway", "Conversations", "PublicAddresses", asyncHTTPClient, grdb,
                httpTypes,
                hummingbird,
                hummingbirdTesting, logging, nioCore, nioPosix,
            ]),
        tests(
            "RulesTests",
            [
                "Rules", "Conversations", "DurableExecution", "Lua", "Packs", asyncHTTPClient, grdb, httpTypes,
                hummingbird,
                logging, nioCore, serviceLifecycle,
            ]),
        tests(
            "tidewireTests",
            [
                "tidewire", "ConversationGateway", "Conversations", "DurableExecution", "Packs", "Rules", logging,
                metrics, nioCore, nioPosix,
            ]),
        tests(
            "EndToEndTests",
            [
                "tidewire", "Conversations", asyncHTTPClient, httpTypes, hummingbird, logging, nioCore, nioHTTP1,
                nioPosix,
                serviceLifecycle,
            ]),
    ]
)
