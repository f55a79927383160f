// swift-tools-version: 6.1

import PackageDescription

// Apart from the library's own package, so that nobody who uses that builds this. Scripts/fuzz does.
let package = Package(
    name: "Fuzzing",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "swift-nonlocal", path: "..")],
    targets: [
        // The module CPNG, whose target in the library's package is no product.
        .systemLibrary(
            name: "Pictures", path: "Sources/CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        // Takes the place of malloc and free, to know what a reader asks for.
        .target(name: "Support"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [.product(name: "NonLocal", package: "swift-nonlocal"), "Pictures", "Support"],
            swiftSettings: [.define("Pictures")]),
    ],
    swiftLanguageModes: [.v6]
)
