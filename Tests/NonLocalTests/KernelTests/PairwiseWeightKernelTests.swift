import SwiftOpenCL
import Testing

@testable import NonLocal

/// `pairwise_weight.cl` by itself: the OpenCL text of an expression and its evaluation in Swift agree.
@Suite(.needsDevice) struct PairwiseWeightKernelTests {
    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    /// Expressions, each with the operations through which rounding grows.
    static let expressions = [
        "s", "-s", "2", "s + 1", "1 - s", "s - s / 3", "s * s", "1 / s", "2 / s / s", "s / (s + 3)",
        "1 / (1 + s * s)",
        "exp(s)", "exp(-abs(s))", "exp(-max(s, 0) / 2)", "log(s)", "log(abs(s) + 1)", "sqrt(s)",
        "sqrt(abs(s))",
        "min(s, 1)", "max(-1, min(s, 1))", "max(s, 0)", "max(1 - s * s, 0) / 2", "abs(s - 0.5) * 4",
        "min(log(s), sqrt(s))", "-s * -s - -s",
    ]

    static let scores: [Float] =
        [0, -0.0, 1, -1, 0.5, 2, -3, 10, -10, 88, -88, 1e4, -1e4, 1e-20, -1e-20, 3e18, 1 / 3]
        + (0..<100).map { 6 * noise($0) }

    @Test(arguments: expressions)
    func matchesTheSwiftEvaluation(_ text: String) throws {
        let weight = try WeightExpression(text)
        for scale in [1, 0.25, -2, 0] as [Float] {
            let table = try ScoreTable(session, keys: Self.scores.count, rows: 1) { _, key, _ in
                Self.scores[key]
            }
            let result = try table.after {
                try PairwiseWeightKernel(session.library, weight: weight).launch(
                    $0, table.buffer, scale: scale, table.block)
            }
            // The scaled score is rounded to float32 on the device, so it is here; overflow is as in float32.
            let scaled = table.before.map { Double(scale * $0) }
            let expected = scaled.map { weight.evaluate(at: $0) }.map {
                $0.magnitude > 3.4e38 ? Double(Float($0)) : $0
            }
            expectClose(result, expected, "w(s) = \(text), scale \(scale)") { index in
                // What operands as large as 1 and s² lose may be all of a small difference.
                let s = scaled[index].magnitude
                return Tolerances.elementwise(expected[index], operations: 4) + 8 * Tolerance.rounding
                    * (1 + s)
            }
        }
    }

    @Test(arguments: ScoreTable.sizes)
    func matchesAtAllSizes(groups: Int, keys: Int, rows: Int) throws {
        let table = try ScoreTable(session, groups: groups, keys: keys, rows: rows) { 3 * noise($0, $1, $2) }
        let result = try table.after {
            try PairwiseWeightKernel(session.library, weight: try WeightExpression("max(s, 0) + 1")).launch(
                $0, table.buffer, scale: 0.5, table.block)
        }
        let expected = table.before.map { max(Double($0) / 2, 0) + 1 }
        expectClose(result, expected) { Tolerances.elementwise(expected[$0]) }
    }
}
