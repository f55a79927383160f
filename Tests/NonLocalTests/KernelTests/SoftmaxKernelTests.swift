import Foundation
import SwiftOpenCL
import Testing

@testable import NonLocal

/// `softmax.cl` by itself.
@Suite(.needsDevice) struct SoftmaxKernelTests {
    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    @Test(arguments: ScoreTable.sizes)
    func matches(groups: Int, keys: Int, rows: Int) throws {
        for scale in [1, 0.125, -2, 0] as [Float] {
            try check(scale, groups, keys, rows) { 4 * noise($0, $1, $2) }
        }
    }

    /// Scores so large that the naive exponential overflows, and so far apart that their difference does.
    @Test(
        arguments: [1e4, 1e30, 3e38, .greatestFiniteMagnitude] as [Float],
        [1, -1, 1e-4, 1e30, 3e38, -3e38] as [Float])
    func staysFinite(_ size: Float, _ scale: Float) throws {
        try check(scale, 1, 9, 9) { [size, -size, 0, -0.0, size / 2, size][($1 * $2 + $1) % 6] }
        try check(scale, 1, 2, 1) { $1 == $0 + $2 ? size : -size }
    }

    @Test(arguments: [0, -0.0, 1e4, -1e4, 3e38, -3e38, 0x1p-149, 1e-38] as [Float])
    func equalScoresShareEvenly(_ score: Float) throws {
        for keys in [1, 2, 7, 65] {
            let table = try ScoreTable(session, keys: keys, rows: 3) { _, _, _ in score }
            let result = try table.after {
                try SoftmaxKernel(session.library).launch($0, table.buffer, scale: 1, table.block)
            }
            expectClose(result, table.before.map { _ in 1 / Double(keys) }) { _ in
                Tolerances.elementwise(1 / Double(keys))
            }
        }
    }

    /// An excluded position's own score is −∞; its weight is 0.
    @Test func minusInfinityIsNoWeight() throws {
        try check(1, 2, 9, 9) { $1 == $2 ? -.infinity : 1e4 * noise($0, $1, $2) }
        try check(0.5, 1, 2, 2) { $1 == $2 + $0 ? -.infinity : -3e38 }
        try check(-3, 1, 9, 9) { $1 == $2 ? .infinity : noise($0, $1, $2) }
    }

    @Test func denormalsAreScores() throws {
        try check(1, 1, 5, 3) { 0x1p-136 * Float($0 + $1 + $2) }
        try check(1e38, 1, 5, 3) { 1e-36 * Float($0 + $1 + $2) }
    }

    @Test(arguments: [1, 63, 1009])
    func rowsSumToOneAndShiftsChangeNothing(_ keys: Int) throws {
        func softmax(shift: Float) throws -> [Float] {
            // Multiples of 1/8, so that the shift is exact.
            let table = try ScoreTable(session, keys: keys, rows: 5) { _, key, row in
                (64 * noise(key, row)).rounded() / 8 + shift
            }
            return try table.after {
                try SoftmaxKernel(session.library).launch($0, table.buffer, scale: 1, table.block)
            }
        }
        let plain = try softmax(shift: 0)
        expectSameBits(try softmax(shift: 1024), plain, "shifted by 1024")
        expectSameBits(try softmax(shift: -4096), plain, "shifted by −4096")
        let sums = (0..<5).map { row in
            stride(from: row, to: plain.count, by: 5).reduce(0.0) { $0 + Double(plain[$1]) }
        }
        expectClose(sums.map(Float.init), [1, 1, 1, 1, 1]) { _ in Tolerances.sum(of: keys, magnitude: 1) }
    }

    private func check(
        _ scale: Float, _ groups: Int, _ keys: Int, _ rows: Int, value: (Int, Int, Int) -> Float
    ) throws {
        let table = try ScoreTable(session, groups: groups, keys: keys, rows: rows, value: value)
        let result = try table.after {
            try SoftmaxKernel(session.library).launch($0, table.buffer, scale: scale, table.block)
        }
        let expected = table.expected { _, scores in
            let scaled = scores.map { Double(scale) * $0 }
            let maximum = scaled.max() ?? 0
            let weights = scaled.map { exp($0 - maximum) }
            let sum = weights.reduce(0, +)
            return weights.map { $0 / sum }
        }
        let distances = table.expected { _, scores in
            let scaled = scores.map { Double(scale) * $0 }
            let maximum = scaled.max() ?? 0
            return scaled.map { min(maximum - $0, 200) }
        }
        expectClose(result, expected, "scale \(scale)") { index in
            // An exponent of magnitude e is off by a few roundings of e; the sum by what a sum is off.
            expected[index] * Tolerance.rounding
                * (4 * distances[index] + 16 + Double(min(keys, 64) + keys / 64))
                + Tolerances.denormal
        }
    }
}
