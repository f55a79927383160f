import Foundation
import SwiftOpenCL
import Testing

@testable import NonLocal

/// `tile_softmax.cl` by itself.
@Suite(.needsDevice) struct TileSoftmaxKernelTests {
    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    @Test(arguments: ScoreTable.sizes)
    func matches(groups: Int, keys: Int, rows: Int) throws {
        for scale in [1, 0.125, -2] as [Float] {
            try check(scale, groups, keys, rows) { 4 * noise($0, $1, $2) }
        }
    }

    @Test(
        arguments: [1e4, 1e30, .greatestFiniteMagnitude] as [Float], [1, -1, 1e-4, 1e30, -3e38] as [Float])
    func staysFinite(_ size: Float, _ scale: Float) throws {
        try check(scale, 1, 9, 9) { [size, -size, 0, -0.0, size / 2, size][($1 * $2 + $1) % 6] }
        try check(scale, 1, 2, 1) { $1 == $0 + $2 ? size : -size }
    }

    /// An excluded position's own score is −∞; its weight is 0, even where a work-item has no other.
    @Test func minusInfinityIsNoWeight() throws {
        try check(1, 2, 9, 9) { $1 == $2 ? -.infinity : 1e4 * noise($0, $1, $2) }
        try check(0.5, 1, 2, 2) { $1 == $2 + $0 ? -.infinity : -3e38 }
        try check(-3, 1, 9, 9) { $1 == $2 ? .infinity : noise($0, $1, $2) }
    }

    @Test(arguments: [0, -0.0, 1e4, -3e38, 0x1p-149] as [Float])
    func equalScoresShareEvenly(_ score: Float) throws {
        for keys in [1, 3, 65, 259] { try check(1, 1, keys, 3) { _, _, _ in score } }
    }

    @Test(arguments: ScoreTable.sizes)
    func sumsMatch(groups: Int, keys: Int, rows: Int) throws {
        let table = try ScoreTable(session, groups: groups, keys: keys, rows: rows) {
            noise($0, $1, $2) + 1.5
        }
        let result = try table.after {
            try TileSoftmaxKernels(session.library).launchBySum($0, table.buffer, table.block)
        }
        let expected = table.expected { _, weights in
            let sum = weights.reduce(0, +)
            return weights.map { $0 / sum }
        }
        expectClose(result, expected) { index in
            Tolerances.sum(of: keys, magnitude: expected[index]) + Tolerances.elementwise(expected[index])
        }
    }

    private func check(
        _ scale: Float, _ groups: Int, _ keys: Int, _ rows: Int, value: (Int, Int, Int) -> Float
    ) throws {
        let table = try ScoreTable(session, groups: groups, keys: keys, rows: rows, value: value)
        let result = try table.after {
            try TileSoftmaxKernels(session.library).launch($0, table.buffer, scale: scale, table.block)
        }
        func distances(_ scores: [Double]) -> [Double] {
            let scaled = scores.map { Double(scale) * $0 }
            let maximum = scaled.max() ?? 0
            return scaled.map { min(maximum - $0, 2000) }
        }
        let expected = table.expected { _, scores in
            let weights = distances(scores).map { exp(-$0) }
            let sum = weights.reduce(0, +)
            return weights.map { $0 / sum }
        }
        let exponents = table.expected { _, scores in distances(scores).map { min($0, 200) } }
        expectClose(result, expected, "scale \(scale)") { index in
            // An exponent of magnitude e is off by a few roundings of e; the sum by what a sum is off.
            expected[index] * Tolerance.rounding
                * (4 * exponents[index] + 24 + Double(min(keys, 64) + keys / 64)) + Tolerances.denormal
        }
    }
}
