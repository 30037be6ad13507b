// swift-tools-version: 6.3
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

/// `make test` kills the daemon at named points; in a build for use nothing happens there. Only CHooks is compiled anew.
let hooks: [CSetting] = Context.environment["FOOTFALL_CRASH_POINTS"] == "1" ? [.define("CRASH_POINTS")] : []

/// The program brings Swift's library with it, so the one that is tested is the one that is installed.
let staticLibrary: [LinkerSetting] = [
    .unsafeFlags([
        "-static-stdlib", "-lCoreFoundation", "-l_FoundationICU", "-l_FoundationCShims", "-l_FoundationCollections",
    ])
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let toml: Target.Dependency = .product(name: "TOMLKit", package: "TOMLKit")

let package = Package(
    name: "footfall",
    products: [
        .executable(name: "footfall", targets: ["footfall"]),
        .executable(name: "footfall-load", targets: ["footfall-load"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Pure: bytes and numbers in, numbers out.
        .target(name: "Counting", swiftSettings: settings),
        .target(
            name: "Wire", dependencies: ["Counting", "CBytes", "CResources", crypto], exclude: ["Lists"],
            swiftSettings: settings),
        .target(name: "Zones", swiftSettings: settings),
        // The outside world.
        .target(
            name: "Storage", dependencies: ["Counting", "CHooks", "CKernel", "Platform", grdb],
            exclude: ["FORMAT.md"], swiftSettings: settings),
        .target(
            name: "Ingest", dependencies: ["Counting", "Wire", "Storage", "CKernel", "Platform"],
            swiftSettings: settings),
        .target(
            name: "Web",
            dependencies: ["Counting", "Wire", "CResources", crypto, lifecycle, nioCore, nioHTTP, nioPosix],
            exclude: ["Assets"], swiftSettings: settings),
        .target(name: "History", dependencies: ["Counting", "Storage", "Zones"], swiftSettings: settings),
        .target(name: "Settings", dependencies: ["Counting", "Wire", toml], swiftSettings: settings),
        .target(name: "Supervision", dependencies: ["CSystemd"], swiftSettings: settings),
        .target(name: "Platform", dependencies: ["CKernel"], swiftSettings: settings),
        // The one place where they meet.
        .executableTarget(
            name: "footfall",
            dependencies: [
                "Counting", "Wire", "Zones", "Storage", "Ingest", "History", "Settings", "Web", "Supervision",
                "Platform", "CResources", argumentParser, lifecycle, log, signals,
            ],
            exclude: ["Snippets"],
            swiftSettings: settings,
            linkerSettings: staticLibrary
        ),
        .executableTarget(
            name: "footfall-load",
            dependencies: ["Counting", "Wire", "Storage", "Ingest", "CKernel", "Platform", argumentParser],
            swiftSettings: settings
        ),
        .target(name: "CBytes"),
        .target(name: "CHooks", cSettings: hooks),
        .target(name: "CKernel"),
        .target(name: "CResources"),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        // The manual.
        .target(name: "TestSupport", dependencies: ["Counting"], path: "Tests/TestSupport", swiftSettings: settings),
        .testTarget(name: "CountingTests", dependencies: ["Counting", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "WireTests", dependencies: ["Counting", "Wire", crypto, "TestSupport"], exclude: ["Corpus"],
            swiftSettings: settings),
        .testTarget(name: "ZonesTests", dependencies: ["Zones"], swiftSettings: settings),
        .testTarget(
            name: "IngestTests", dependencies: ["Counting", "Wire", "Zones", "Ingest", "Platform", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "StorageTests",
            dependencies: ["Counting", "Wire", "Zones", "Storage", "Ingest", "Platform", grdb, "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "HistoryTests", dependencies: ["Counting", "Storage", "Zones", "History"], swiftSettings: settings),
        .testTarget(name: "SettingsTests", dependencies: ["Counting", "Wire", "Settings"], swiftSettings: settings),
        .testTarget(
            name: "WebTests", dependencies: ["Counting", "Web", "Wire", crypto, nioCore, nioEmbedded, nioHTTP],
            swiftSettings: settings),
        .testTarget(
            name: "DaemonTests", dependencies: ["Counting", "CHooks", "TestSupport"],
            exclude: ["Former", "History", "OpenAPI", "Snippets", "Widget"], swiftSettings: settings),
        .testTarget(name: "TidyTests", swiftSettings: settings),
    ]
)

// `make fuzz` builds everything once more, to be driven by libFuzzer.
if Context.environment["FOOTFALL_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "footfall-fuzz", dependencies: ["Counting", "Wire"], path: "Tests/Fuzz", exclude: ["seeds.py"],
            swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]))
    package.products.append(.executable(name: "footfall-fuzz", targets: ["footfall-fuzz"]))
}
