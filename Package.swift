// swift-tools-version: 6.2
import PackageDescription

let swift: [SwiftSetting] = [
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .treatAllWarnings(as: .error),
]

// Kernels are optimised in debug builds too, or tests would crawl. `-ffp-contract=off` keeps every multiply-add
// where the source puts it, so that all instruction sets round alike.
let kernels: [CSetting] = [
    .headerSearchPath("."),
    .unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno"]),
    .treatAllWarnings(as: .error),
]

// FreeType's headers alone: the library is loaded at run time, and only where text is drawn. The second folder is
// Homebrew's.
let freeType: [CSetting] = [
    .unsafeFlags(["-isystem", "/usr/include/freetype2", "-isystem", "/opt/homebrew/include/freetype2"]),
    .treatAllWarnings(as: .error),
]

// Packages that only other packages use. A test target names a product of each, so that the package manager does not
// warn of packages without a user; no code imports them.
let indirect: [Target.Dependency] = [
    .product(name: "Algorithms", package: "swift-algorithms"),
    .product(name: "Atomics", package: "swift-atomics"),
    .product(name: "Tracing", package: "swift-distributed-tracing"),
    .product(name: "Metrics", package: "swift-metrics"),
    .product(name: "NIOHTTP2", package: "swift-nio-http2"),
    .product(name: "RealModule", package: "swift-numerics"),
    .product(name: "ServiceContextModule", package: "swift-service-context"),
    .product(name: "SystemPackage", package: "swift-system"),
]

// Targets import downwards only; `make lint` compares every import with the dependencies declared here.
let package = Package(
    name: "apus",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "apus", targets: ["apus"])],
    // Exact versions, because no lock file is committed: a build of this revision is the same everywhere and at any
    // time.
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        // What of their dependencies is built. It stands here for its versions.
        .package(url: "https://github.com/apple/swift-algorithms", exact: "1.2.1"),
        .package(url: "https://github.com/apple/swift-async-algorithms", exact: "1.1.4"),
        .package(url: "https://github.com/apple/swift-atomics", exact: "1.3.0"),
        .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", exact: "1.7.3"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio-http2", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-numerics", exact: "1.1.1"),
        .package(url: "https://github.com/apple/swift-service-context", exact: "1.5.1"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
    ],
    targets: [
        .target(name: "CKernels", cSettings: kernels),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev", "zlib1g-dev"])]),
        .target(name: "CPNGDecoder", dependencies: ["CPNG"], cSettings: [.treatAllWarnings(as: .error)]),
        .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
        .target(name: "CJPEGDecoder", dependencies: ["CJPEG"], cSettings: [.treatAllWarnings(as: .error)]),
        .systemLibrary(name: "CWebP", pkgConfig: "libwebp", providers: [.apt(["libwebp-dev"])]),
        .target(name: "CWebPDecoder", dependencies: ["CWebP"], cSettings: [.treatAllWarnings(as: .error)]),
        .systemLibrary(name: "CGIF", pkgConfig: "libgif", providers: [.apt(["libgif-dev"])]),
        .target(name: "CGIFDecoder", dependencies: ["CGIF"], cSettings: [.treatAllWarnings(as: .error)]),
        .target(name: "CFreeType", cSettings: freeType),
        .target(name: "CLineEditor", cSettings: [.treatAllWarnings(as: .error)]),

        .target(name: "Support", swiftSettings: swift),
        .target(name: "Tensors", dependencies: ["CKernels", "Support"], swiftSettings: swift),
        .target(
            name: "Images", dependencies: ["CPNG", "CPNGDecoder", "CJPEGDecoder", "CWebPDecoder", "CGIFDecoder"],
            swiftSettings: swift),
        .target(name: "Typography", dependencies: ["CFreeType", "Images", "Support"], swiftSettings: swift),
        .target(name: "Tokenizers", dependencies: ["Support"], swiftSettings: swift),
        .target(name: "Grammars", dependencies: ["Support"], swiftSettings: swift),
        .target(
            name: "Checkpoints",
            dependencies: ["Support", "Tensors", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: swift),
        .target(
            name: "Models", dependencies: ["Support", "Tensors", "Images", "Tokenizers", "Checkpoints"],
            swiftSettings: swift),
        .target(name: "Policies", dependencies: ["Models"], swiftSettings: swift),
        .target(
            name: "Engine",
            dependencies: [
                "Grammars", "Policies", .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            swiftSettings: swift),
        .target(
            name: "Datasets",
            dependencies: [
                "Support", "Images", "Typography", "Tokenizers", .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: swift),
        .target(name: "Training", dependencies: ["Engine", "Datasets"], swiftSettings: swift),
        .target(
            name: "Evaluation",
            dependencies: [
                "Engine", "Datasets",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: swift),
        .target(
            name: "Benchmarks",
            dependencies: [
                "Evaluation",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: swift),
        .target(
            name: "Feedback", dependencies: ["Datasets", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: swift),
        .target(name: "WireFormats", dependencies: ["Support"], swiftSettings: swift),
        .target(
            name: "Serving",
            dependencies: [
                "Engine", "Feedback", "Grammars", "WireFormats",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: swift),
        .target(
            name: "Promotion",
            dependencies: [
                "Training", "Evaluation", "Serving", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swift),
        .executableTarget(
            name: "apus",
            dependencies: [
                "Promotion", "Benchmarks", "CLineEditor",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swift),

        .target(
            name: "TestSupport", dependencies: ["Policies", "Typography"], path: "Tests/TestSupport",
            swiftSettings: swift),
        .testTarget(name: "SupportTests", dependencies: ["Support"], swiftSettings: swift),
        .testTarget(name: "TensorsTests", dependencies: ["Tensors"], swiftSettings: swift),
        .testTarget(name: "ImagesTests", dependencies: ["Images"], exclude: ["Fixtures"], swiftSettings: swift),
        .testTarget(
            name: "TypographyTests", dependencies: ["Typography", "Images", "Support"], exclude: ["Fixtures"],
            swiftSettings: swift),
        .testTarget(
            name: "TokenizersTests", dependencies: ["Tokenizers", "Models", "Support", "TestSupport"],
            exclude: ["Fixtures"],
            swiftSettings: swift),
        .testTarget(
            name: "GrammarsTests", dependencies: ["Grammars", "Support"], swiftSettings: swift),
        .testTarget(
            name: "CheckpointsTests", dependencies: ["Checkpoints", "TestSupport"], exclude: ["Fixtures"],
            swiftSettings: swift),
        .testTarget(
            name: "ModelsTests", dependencies: ["Models", "TestSupport"], exclude: ["Fixtures"], swiftSettings: swift),
        .testTarget(name: "PoliciesTests", dependencies: ["Policies", "TestSupport"], swiftSettings: swift),
        .testTarget(name: "EngineTests", dependencies: ["Engine", "Grammars", "TestSupport"], swiftSettings: swift),
        .testTarget(
            name: "DatasetsTests", dependencies: ["Datasets", "Typography", "TestSupport"], swiftSettings: swift),
        .testTarget(
            name: "TrainingTests", dependencies: ["Training", "TestSupport"], exclude: ["Fixtures"],
            swiftSettings: swift),
        .testTarget(name: "FeedbackTests", dependencies: ["Feedback", "TestSupport"], swiftSettings: swift),
        .testTarget(
            name: "EvaluationTests", dependencies: ["Evaluation", "Typography", "TestSupport"], exclude: ["Fixtures"],
            swiftSettings: swift),
        .testTarget(
            name: "BenchmarksTests", dependencies: ["Benchmarks", "TestSupport"], swiftSettings: swift),
        .testTarget(
            name: "PromotionTests", dependencies: ["Promotion", "TestSupport"], swiftSettings: swift),
        .testTarget(name: "CommandLineTests", dependencies: ["apus", "TestSupport"], swiftSettings: swift),
        .testTarget(name: "WireFormatsTests", dependencies: ["WireFormats"], swiftSettings: swift),
        .testTarget(
            name: "ServingTests",
            dependencies: [
                "Serving", "TestSupport",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ] + indirect,
            swiftSettings: swift),
    ]
)
