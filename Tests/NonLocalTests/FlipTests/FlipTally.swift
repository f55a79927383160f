import Foundation

@testable import NonLocal

/// What was found of numbers made wrong, as tables.
struct FlipTally {
    struct Flip {
        let setup: String
        let target: String
        /// The largest error of z, relative to what is allowed to rounding.
        let error: Double
        /// Of the sums, the first that was wrong.
        let sum: Mismatch.Stage?
        /// Whether sampled rows show it.
        let rows: Bool

        var isFound: Bool { sum != nil || rows }
    }

    private(set) var flips: [Flip] = []

    mutating func add(_ flip: Flip) { flips.append(flip) }

    private static let bounds = [1e-3, 1e-2, 0.1, 1, 10, 100]

    private static func bin(_ error: Double) -> String {
        if error == 0 { return "none" }
        guard let bound = bounds.first(where: { error < $0 }) else { return "100 and more" }
        let lower = bounds.last { $0 < bound }
        return (lower.map { "\(short($0)) to " } ?? "below ") + short(bound)
    }

    private static func short(_ number: Double) -> String {
        number >= 1 ? "\(Int(number))" : String(format: "%g", number)
    }

    private static func percent(_ flips: [Flip], _ found: (Flip) -> Bool) -> String {
        guard !flips.isEmpty else { return "–" }
        return String(
            format: "%.0f %%", 100 * Double(flips.filter(found).count) / Double(flips.count))
    }

    private static func smallest(_ flips: [Flip]) -> String {
        flips.filter { $0.sum != nil && $0.error > 0 }.map(\.error).min().map { String(format: "%.1e", $0) }
            ?? "–"
    }

    private static func row(_ name: String, _ flips: [Flip]) -> String {
        "| \(name) | \(flips.count) | \(percent(flips) { $0.sum != nil }) | \(percent(flips) { $0.rows }) | "
            + "\(percent(flips, \.isFound)) | \(smallest(flips)) |"
    }

    private static func heading(_ first: String) -> String {
        """
        | \(first) | flips | by sums | by 8 sampled rows | by either | smallest error found by sums |
        |---|---|---|---|---|---|
        """
    }

    /// In Markdown: by the error's size, by what was made wrong, and by which sum found it.
    var report: String {
        var lines = [Self.heading("error of z, in tolerances")]
        let bins = ["none"] + Self.bounds.map { Self.bin($0 / 2) } + ["100 and more"]
        for bin in bins { lines.append(Self.row(bin, flips.filter { Self.bin($0.error) == bin })) }
        lines.append(Self.row("all that is beyond the tolerance", flips.filter { $0.error >= 1 }))
        lines += ["", Self.heading("made wrong, beyond the tolerance")]
        let targets = Set(flips.map { "\($0.setup): \($0.target)" }).sorted()
        for target in targets {
            lines.append(
                Self.row(
                    target, flips.filter { "\($0.setup): \($0.target)" == target && $0.error >= 1 }))
        }
        lines += ["", "| sum | found first by it | smallest error of z |", "|---|---|---|"]
        for stage in Mismatch.Stage.allCases where stage.isSum {
            let found = flips.filter { $0.sum == stage }
            lines.append("| \(stage.rawValue) | \(found.count) | \(Self.smallest(found)) |")
        }
        return lines.joined(separator: "\n")
    }
}
