import SwiftOpenCL
import Testing

@testable import NonLocal

/// `own_weight.cl` by itself: only i = j changes, and to the right number.
@Suite(.needsDevice) struct OwnWeightKernelTests {
    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    @Test(arguments: ScoreTable.sizes, [1, -0.5, 0] as [Float])
    func matches(_ size: (groups: Int, keys: Int, rows: Int), _ scale: Float) throws {
        for strongest in [true, false] {
            // Rows 3… of a group whose own keys come in no order.
            let own = (0..<size.rows + 3).map { ($0 * 5 + 2) % size.keys }
            try check(scale, strongest, own: own, firstOwn: 0, firstRow: 3, size) { noise($0, $1, $2) }
            try check(scale, strongest, own: own, firstOwn: 2, firstRow: 1, size) { noise($0, $1, $2) }
        }
    }

    @Test(arguments: [1, -1] as [Float])
    func keepsExtremes(_ scale: Float) throws {
        let values: [Float] = [3e38, -3e38, 0, -1e4, 0x1p-149, 1e4, -0.0]
        for strongest in [true, false] {
            try check(scale, strongest, own: Array(0..<9), firstOwn: 0, firstRow: 0, (2, 9, 9)) {
                values[($0 + $1 * 2 + $2) % 7]
            }
            try check(scale, strongest, own: Array(0..<5), firstOwn: 0, firstRow: 0, (1, 5, 5)) { _, _, _ in
                -3e38
            }
        }
    }

    private func check(
        _ scale: Float, _ strongest: Bool, own: [Int], firstOwn: Int, firstRow: Int,
        _ size: (groups: Int, keys: Int, rows: Int), value: (Int, Int, Int) -> Float
    ) throws {
        let table = try ScoreTable(
            session, groups: size.groups, keys: size.keys, rows: size.rows, firstRow: firstRow, value: value)
        let result = try table.after {
            try OwnWeightKernel(session.library, strongest: strongest).launch(
                $0, table.buffer, own: try Buffer(session.context, copying: own.map(Int32.init)),
                firstOwn: firstOwn, scale: scale, table.block)
        }
        let expected = table.expected { row, scores in
            var scores = scores
            let place = own[firstOwn + firstRow + row]
            let others = scores.indices.filter { $0 != place }.map { scores[$0] }
            scores[place] =
                scale < 0
                ? (strongest ? others.min() : nil) ?? .infinity
                : (strongest ? others.max() : nil) ?? -.infinity
            return scores
        }
        expectClose(result, expected, "strongest \(strongest)") { _ in 0 }
    }
}
