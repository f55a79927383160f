import SwiftOpenCL
import Testing

@testable import NonLocal

/// `aggregate.cl` by itself: y = g p, for a block of queries.
@Suite(.needsDevice) struct AggregateKernelTests {
    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    struct Sizes: CustomTestStringConvertible, Sendable {
        let channels, rows, keys: Int
        var items = 1
        var groups = 1
        /// The block: all of the groups and rows, unless told otherwise.
        var block: (firstGroup: Int, groups: Int, firstRow: Int, rows: Int)?

        var testDescription: String {
            "\(channels) channels, \(items) × \(groups) groups of \(rows) × \(keys)"
                + (block.map { ", block \($0)" } ?? "")
        }
    }

    static let sizes = [
        Sizes(channels: 1, rows: 1, keys: 1), Sizes(channels: 2, rows: 1, keys: 2),
        Sizes(channels: 7, rows: 2, keys: 7, items: 2), Sizes(channels: 8, rows: 7, keys: 9, groups: 3),
        Sizes(channels: 9, rows: 9, keys: 8), Sizes(channels: 3, rows: 63, keys: 63, items: 2, groups: 2),
        Sizes(channels: 17, rows: 64, keys: 64), Sizes(channels: 5, rows: 65, keys: 65),
        Sizes(channels: 2, rows: 127, keys: 3), Sizes(channels: 1, rows: 3, keys: 1531),
        Sizes(channels: 1024, rows: 2, keys: 5), Sizes(channels: 2047, rows: 1, keys: 2),
        Sizes(channels: 3, rows: 70, keys: 11, items: 2, groups: 3, block: (2, 3, 0, 70)),
        Sizes(channels: 3, rows: 70, keys: 11, groups: 2, block: (1, 1, 64, 6)),
        Sizes(channels: 3, rows: 70, keys: 11, block: (0, 1, 13, 1)),
    ]

    @Test(arguments: sizes, Arrangement.allCases)
    func matches(_ sizes: Sizes, _ arrangement: Arrangement) throws {
        try check(sizes, arrangement, g: { noise(1, $0, $1, $2) }, p: { noise(2, $0, $1, $2) })
    }

    @Test func keepsExtremes() throws {
        let sizes = Sizes(channels: 9, rows: 9, keys: 9)
        let values: [Float] = [0, -0.0, 3e37, -3e37, 0x1p-149, -1e-38, 1e4]
        try check(
            sizes, .packed, g: { values[($1 + $2) % 7] }, p: { $1 == $2 % 9 ? 1 : [0, 0x1p-149][$1 % 2] })
    }

    private func check(
        _ sizes: Sizes, _ arrangement: Arrangement, g: (Int, Int, Int) -> Float, p: (Int, Int, Int) -> Float
    ) throws {
        let range = sizes.block ?? (0, sizes.items * sizes.groups, 0, sizes.rows)
        let block = RowBlock(
            firstGroup: range.firstGroup, groups: range.groups, firstRow: range.firstRow, rows: range.rows,
            keys: sizes.keys)
        let values = try Placed(
            session, items: sizes.items, groups: sizes.groups, channels: sizes.channels,
            positions: sizes.keys,
            arrangement, value: g)
        let weights = try Placed(
            session, groups: block.groups, channels: sizes.keys, positions: block.rows, value: p)
        let y = try Placed(
            session, items: sizes.items, groups: sizes.groups, channels: sizes.channels,
            positions: sizes.rows,
            arrangement)
        let launcher = Launcher(session.queue)
        try AggregateKernel(session.library).launch(
            launcher, g: values.view, weights: weights.view.buffer, to: y.view, valueChannels: sizes.channels,
            block)
        try launcher.finish()

        var (expected, magnitudes): ([Double], [Double]) = ([], [])
        for group in 0..<sizes.items * sizes.groups {
            for channel in 0..<sizes.channels {
                for row in 0..<sizes.rows {
                    let (inGroup, inRow) = (group - block.firstGroup, row - block.firstRow)
                    guard (0..<block.groups).contains(inGroup), (0..<block.rows).contains(inRow) else {
                        expected.append(Double(Placed.unwritten))
                        magnitudes.append(0)
                        continue
                    }
                    let terms = (0..<sizes.keys).map {
                        Double(g(group, channel, $0)) * Double(p(inGroup, $0, inRow))
                    }
                    expected.append(terms.reduce(0, +))
                    magnitudes.append(terms.reduce(0) { $0 + $1.magnitude })
                }
            }
        }
        expectClose(try y.read(session), expected) {
            Tolerances.sum(of: sizes.keys, magnitude: magnitudes[$0])
        }
    }
}
