import SwiftOpenCL
import Testing

@testable import NonLocal

/// `affinity.cl` by itself: the score of each pair in a block of queries.
@Suite(.needsDevice) struct AffinityKernelTests {
    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    struct Sizes: CustomTestStringConvertible, Sendable {
        let width, rows, keys: Int
        var items = 1
        var groups = 1
        /// The block: all of the groups and rows, unless told otherwise.
        var block: (firstGroup: Int, groups: Int, firstRow: Int, rows: Int)?

        var testDescription: String {
            "width \(width), \(items) × \(groups) groups of \(rows) × \(keys)"
                + (block.map { ", block \($0)" } ?? "")
        }

        var rowBlock: RowBlock {
            let block = block ?? (0, items * groups, 0, rows)
            return RowBlock(
                firstGroup: block.firstGroup, groups: block.groups, firstRow: block.firstRow,
                rows: block.rows,
                keys: keys)
        }
    }

    static let sizes = [
        Sizes(width: 1, rows: 1, keys: 1), Sizes(width: 2, rows: 2, keys: 1),
        Sizes(width: 3, rows: 7, keys: 2, items: 2), Sizes(width: 7, rows: 8, keys: 7, groups: 3),
        Sizes(width: 8, rows: 9, keys: 8), Sizes(width: 9, rows: 63, keys: 9, items: 2, groups: 2),
        Sizes(width: 31, rows: 64, keys: 17), Sizes(width: 63, rows: 65, keys: 3),
        Sizes(width: 64, rows: 5, keys: 67), Sizes(width: 65, rows: 127, keys: 5),
        Sizes(width: 512, rows: 3, keys: 5), Sizes(width: 1024, rows: 2, keys: 3),
        Sizes(width: 2048, rows: 3, keys: 2), Sizes(width: 1531, rows: 1, keys: 9),
        Sizes(width: 5, rows: 70, keys: 11, items: 2, groups: 3, block: (2, 3, 0, 70)),
        Sizes(width: 5, rows: 70, keys: 11, groups: 2, block: (1, 1, 64, 6)),
        Sizes(width: 5, rows: 70, keys: 11, block: (0, 1, 13, 1)),
    ]

    @Test(arguments: sizes, Pairwise.Score.allCases)
    func matches(_ sizes: Sizes, _ score: Pairwise.Score) throws {
        for arrangement in Arrangement.allCases {
            try check(sizes, score, arrangement) { noise($0, $1, $2, $3) }
        }
    }

    /// Products of ±10⁴ and of numbers near the ends of float32's range.
    @Test(arguments: Pairwise.Score.allCases, [100, 5e18, 1e-19, 1e-30] as [Float])
    func keepsExtremes(_ score: Pairwise.Score, _ size: Float) throws {
        try check(Sizes(width: 2, rows: 9, keys: 9), score, .packed) { operand, group, channel, position in
            [size, -size, 0, -0.0, size / 3][(operand + channel + position) % 5]
        }
    }

    /// - Parameter value: of θ (0) or φ (1), a group, a channel and a position.
    private func check(
        _ sizes: Sizes, _ score: Pairwise.Score, _ arrangement: Arrangement,
        value: (Int, Int, Int, Int) -> Float
    ) throws {
        let width = score == .outerSum ? 1 : sizes.width
        let block = sizes.rowBlock
        let theta = try Placed(
            session, items: sizes.items, groups: sizes.groups, channels: width, positions: sizes.rows,
            arrangement
        ) { value(0, $0, $1, $2) }
        let phi = try Placed(
            session, items: sizes.items, groups: sizes.groups, channels: width, positions: sizes.keys,
            arrangement
        ) { value(1, $0, $1, $2) }
        let s = try Placed(session, groups: block.groups, channels: sizes.keys, positions: block.rows)
        let launcher = Launcher(session.queue)
        try AffinityKernel(session.library, score: score).launch(
            launcher, theta: theta.view, phi: phi.view, width: width, to: s.view.buffer, block)
        try launcher.finish()

        var (expected, magnitudes): ([Double], [Double]) = ([], [])
        for group in block.firstGroup..<block.firstGroup + block.groups {
            for key in 0..<sizes.keys {
                for row in block.firstRow..<block.firstRow + block.rows {
                    var (sum, magnitude) = (0.0, 0.0)
                    for channel in 0..<width {
                        let (q, k) = (
                            Double(value(0, group, channel, row)), Double(value(1, group, channel, key))
                        )
                        switch score {
                        case .dotProduct: (sum, magnitude) = (sum + q * k, magnitude + (q * k).magnitude)
                        case .outerSum:
                            (sum, magnitude) = (sum + q + k, magnitude + q.magnitude + k.magnitude)
                        case .negativeSquaredDistance:
                            // Rounding of the difference counts twice in its square.
                            sum -= (q - k) * (q - k)
                            magnitude += 2 * (q - k) * (q - k)
                        }
                    }
                    expected.append(sum)
                    magnitudes.append(magnitude)
                }
            }
        }
        expectClose(try s.read(session), expected, arrangement.rawValue) {
            Tolerances.sum(of: width, magnitude: magnitudes[$0])
        }
    }
}
