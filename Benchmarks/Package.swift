// swift-tools-version: 6.1

import PackageDescription

let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "swift-nonlocal", path: ".."),
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "NonLocalBenchmarks",
            dependencies: [
                .product(name: "NonLocal", package: "swift-nonlocal"),
                .product(name: "SwiftOpenCL", package: "swift-nonlocal"),
                .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "Benchmarks/NonLocalBenchmarks",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
    ],
    swiftLanguageModes: [.v6]
)
