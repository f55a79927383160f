// swift-tools-version: 6.1

import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let kernels = [
    "view", "group_norm", "gather", "max_pool", "projection", "affinity",
    "pairwise_weight", "own_weight", "softmax", "normalize", "aggregate", "roof",
    "panel_tile", "panel_pack", "panel_pool", "panel_projection", "panel_attention", "panel_order",
    "panel_time", "panel_block", "panel_skip", "panel_merge", "panel_gram", "panel_gram_merge",
    "panel_transpose", "sort_key", "sort", "sorted_aggregate", "tile_storage", "tile", "tile_product",
    "tile_centre",
    "tile_softmax",
    "tile_sort", "tile_prefix", "tile_sorted_aggregate",
    "checksum", "panel_checksum", "panel_sums", "tile_sums",
    "tile_pack", "tile_attention", "tile_merge", "warp_ptx", "warp_twin", "warp_tile", "warp_pack",
    "warp_tiling",
    "warp_steps", "warp_attention", "warp_merge", "warp_product",
]

// `make docs` alone needs it, and nobody who uses the library.
let documentation: [Package.Dependency] =
    Context.environment["NONLOCAL_DOCUMENTATION"] == nil
    ? [] : [.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0")]

let package = Package(
    name: "swift-nonlocal",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "NonLocal", targets: ["NonLocal"]),
        .library(name: "SwiftOpenCL", targets: ["SwiftOpenCL"]),
        .executable(name: "nonlocal", targets: ["NonLocalCLI"]),
    ],
    traits: [
        .trait(name: "Pictures", description: "PNG pictures in the command, through the system's libpng.")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
    ] + documentation,
    targets: [
        .systemLibrary(
            name: "COpenCL", pkgConfig: "OpenCL",
            providers: [.apt(["ocl-icd-opencl-dev", "opencl-headers"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .target(name: "SwiftOpenCL", dependencies: ["COpenCL"], swiftSettings: strict),
        .target(
            name: "NonLocalKernels", path: "Kernels",
            resources: kernels.map { .embedInCode("\($0).cl") },
            swiftSettings: strict),
        .target(
            name: "NonLocal", dependencies: ["SwiftOpenCL", "NonLocalKernels"], swiftSettings: strict),
        .executableTarget(
            name: "NonLocalCLI",
            dependencies: [
                "NonLocal", "SwiftOpenCL",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .target(name: "CPNG", condition: .when(traits: ["Pictures"])),
            ],
            swiftSettings: strict),
        .testTarget(name: "SwiftOpenCLTests", dependencies: ["SwiftOpenCL"], swiftSettings: strict),
        .testTarget(
            name: "NonLocalTests", dependencies: ["NonLocal", "NonLocalKernels", "SwiftOpenCL"],
            exclude: ["Golden"],
            swiftSettings: strict),
        .testTarget(
            name: "NonLocalCLITests", dependencies: ["NonLocal", "NonLocalCLI"], exclude: ["Noisy"],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
