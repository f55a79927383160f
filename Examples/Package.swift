// swift-tools-version: 6.1

import PackageDescription

// Apart from the library's own package, so that nobody who uses that builds these.
let examples = [
    "RunBlock", "OwnPairwise", "AttentionMap", "AutoencoderAttention", "DeviceBatches", "ServerHandler",
]

let package = Package(
    name: "Examples",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "swift-nonlocal", path: "..")],
    targets: examples.map { name in
        .executableTarget(name: name, dependencies: [.product(name: "NonLocal", package: "swift-nonlocal")])
    },
    swiftLanguageModes: [.v6]
)
