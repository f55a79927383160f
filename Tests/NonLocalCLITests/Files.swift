import Foundation

/// Files of the package that tests read.
enum Files {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func picture(_ name: String) -> String { root.appending(path: "Examples/Pictures/\(name)").path() }

    /// The n-th frame of the shipped clip, from 1.
    static func frame(_ number: Int) -> String { picture("bunny/frame\(number).png") }

    /// What Benchmarks/denoise wrote: pictures with noise, and what others make of them.
    static func noisy(_ name: String) -> String {
        root.appending(path: "Tests/NonLocalCLITests/Noisy/\(name)").path()
    }
}
