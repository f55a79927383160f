import SwiftOpenCL
import Testing

@testable import NonLocal

/// `normalize.cl` by itself: by a constant, and by the sum of a row.
@Suite(.needsDevice) struct NormalizeKernelsTests {
    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    @Test(arguments: ScoreTable.sizes)
    func byAConstant(groups: Int, keys: Int, rows: Int) throws {
        for factor in [1 / Float(keys), -3, 0, 1e30] {
            try constant(factor, groups, keys, rows) { noise($0, $1, $2) }
        }
    }

    @Test func byAConstantKeepsExtremes() throws {
        let values: [Float] = [3e38, -3e38, 0, -0.0, 0x1p-149, 1e4, -1e4]
        for factor in [1, 0.5, -1, 1e-30] as [Float] {
            try constant(factor, 1, 9, 9) { values[($1 + $2) % 7] }
        }
    }

    @Test(arguments: ScoreTable.sizes)
    func byTheSum(groups: Int, keys: Int, rows: Int) throws {
        try sum(groups, keys, rows) { 2 + noise($0, $1, $2) }
        try sum(groups, keys, rows) { 1e36 * (2 + noise($0, $1, $2)) / Float(keys) }
        try sum(groups, keys, rows) { 1e-30 * (2 + noise($0, $1, $2)) }
        try sum(groups, keys, rows) { -1e4 * (2 + noise($0, $1, $2)) }
    }

    /// A row of zeros has no result, on any backend.
    @Test func aSumOfZeroIsNaN() throws {
        let table = try ScoreTable(session, keys: 3, rows: 2) { _, _, row in row == 0 ? 0 : 1 }
        let result = try table.after {
            try NormalizeKernels(session.library).launchBySum($0, table.buffer, table.block)
        }
        expectClose(result, [.nan, 1 / 3, .nan, 1 / 3, .nan, 1 / 3]) { _ in Tolerances.elementwise(1) }
    }

    private func constant(
        _ factor: Float, _ groups: Int, _ keys: Int, _ rows: Int, value: (Int, Int, Int) -> Float
    ) throws {
        let table = try ScoreTable(session, groups: groups, keys: keys, rows: rows, value: value)
        let result = try table.after {
            try NormalizeKernels(session.library).launch($0, table.buffer, factor: factor, table.block)
        }
        let expected = table.before.map { Double(factor) * Double($0) }
        expectClose(result, expected, "factor \(factor)") { Tolerances.elementwise(expected[$0]) }
    }

    private func sum(_ groups: Int, _ keys: Int, _ rows: Int, value: (Int, Int, Int) -> Float) throws {
        let table = try ScoreTable(session, groups: groups, keys: keys, rows: rows, value: value)
        let result = try table.after {
            try NormalizeKernels(session.library).launchBySum($0, table.buffer, table.block)
        }
        let expected = table.expected { _, values in values.map { $0 / values.reduce(0, +) } }
        expectClose(result, expected) { Tolerances.sum(of: keys, magnitude: expected[$0].magnitude) }
    }
}
