import SwiftOpenCL
import Testing

@testable import NonLocal

/// `panel_gram.cl` and `panel_gram_merge.cl` by themselves: products over positions, of two factors or of one with itself.
@Suite(.needsDevice) struct PanelGramKernelTests {
    private let session: OpenCLSession
    private let tile: PanelTile
    private let kernels: PanelGramKernels

    init() throws {
        session = try TestDevice.session()
        tile = PanelTile(session.device)
        kernels = try PanelGramKernels(session.library, tile)
    }

    struct Sizes: CustomTestStringConvertible, Sendable {
        let rows, columns, positions, items, groups: Int

        init(_ rows: Int, _ columns: Int, _ positions: Int, items: Int = 1, groups: Int = 1) {
            (self.rows, self.columns, self.positions) = (rows, columns, positions)
            (self.items, self.groups) = (items, groups)
        }

        var testDescription: String {
            "\(rows) × \(columns) channels, \(items) × \(groups) × \(positions) positions"
        }
    }

    /// Around the tile's 6 or 8 rows, vectors of 4 to 16 and panels of 16 or 48 columns, parts of 128
    /// positions and runs of 64 parts.
    static let sizes = [
        Sizes(1, 1, 1), Sizes(1, 2, 1, items: 3), Sizes(2, 1, 7, groups: 2), Sizes(5, 15, 8), Sizes(6, 16, 9),
        Sizes(7, 17, 127, items: 2), Sizes(8, 47, 128), Sizes(9, 48, 129, groups: 3), Sizes(31, 49, 255),
        Sizes(17, 97, 257, items: 2, groups: 2), Sizes(53, 33, 1009), Sizes(3, 5, 16_400), Sizes(9, 7, 8193),
        Sizes(2, 3, 33_000),
    ]

    private static func left(_ group: Int, _ channel: Int, _ position: Int) -> Float {
        noise(1, group, channel, position)
    }

    private static func right(_ group: Int, _ channel: Int, _ position: Int) -> Float {
        noise(2, group, channel, position)
    }

    @Test(arguments: sizes, [Arrangement.packed, .gaps, .interleavedChannelsLast])
    func matches(_ sizes: Sizes, _ arrangement: Arrangement) throws {
        func placed(_ channels: Int, _ value: (Int, Int, Int) -> Float) throws -> Placed {
            try Placed(
                session, items: sizes.items, groups: sizes.groups, channels: channels,
                positions: sizes.positions, arrangement, value: value)
        }
        let (a, b) = (try placed(sizes.rows, Self.left), try placed(sizes.columns, Self.right))
        let groups = sizes.items * sizes.groups
        let product = try Placed(
            session, items: sizes.items, groups: sizes.groups, channels: sizes.rows, positions: sizes.columns,
            arrangement)
        let launcher = Launcher(session.queue)
        try kernels.launch(
            launcher, a.view, b.view, to: product.view, rows: sizes.rows, columns: sizes.columns,
            positions: sizes.positions, groups: groups, factor: 0.5,
            room(sizes.rows, sizes.columns, sizes.positions, groups))
        try launcher.finish()
        var expected: [Double] = []
        for group in 0..<groups {
            let a = rows(sizes.rows, sizes.positions) { Double(Self.left(group, $0, $1)) }
            let b = rows(sizes.columns, sizes.positions) { Double(Self.right(group, $0, $1)) }
            for a in a { for b in b { expected.append(PlainFormulas.dot(a, b) / 2) } }
        }
        expectClose(try product.read(session), expected) { _ in
            tolerance(terms: sizes.positions, magnitude: Double(sizes.positions) / 2)
        }
    }

    /// x with a mean far from zero: what is left without it is as exact as if it had none.
    @Test(arguments: sizes, [Arrangement.packed, .channelsLast, .interleaved])
    func symmetricMatches(_ sizes: Sizes, _ arrangement: Arrangement) throws {
        let (channels, positions) = (sizes.rows + sizes.columns, sizes.positions)
        func value(_ group: Int, _ channel: Int, _ position: Int) -> Float {
            100 + noise(3, group, channel, position)
        }
        let x = try Placed(
            session, items: sizes.items, groups: sizes.groups, channels: channels, positions: positions,
            arrangement, value: value)
        let groups = sizes.items * sizes.groups
        let moments = try Placed(session, items: groups, channels: channels, positions: channels + 2)
        let centre = try Buffer<Float>(session.context, count: groups * channels)
        let launcher = Launcher(session.queue)
        try kernels.launch(
            launcher, x.view, centre: centre, to: moments.view, channels: channels, positions: positions,
            groups: groups, room(channels, channels, positions, groups))
        try launcher.finish()
        let means = try session.queue.read(centre)
        var expected: [Double] = []
        for group in 0..<groups {
            let centred = rows(channels, positions) { channel, position in
                Double(value(group, channel, position) - means[group * channels + channel])
            }
            for (channel, a) in centred.enumerated() {
                expected += centred.map { PlainFormulas.dot(a, $0) }
                expected += [a.reduce(0, +), Double(means[group * channels + channel])]
            }
        }
        let actual = try moments.read(session)
        expectClose(actual, expected) { _ in
            tolerance(terms: positions, magnitude: 4 * Double(positions))
        }
        #expect(means.allSatisfy { ($0 - 100).magnitude <= 1 }, "μ is no mean: \(means.prefix(9))")
        for group in 0..<groups {
            for row in 0..<channels {
                for column in 0..<row {
                    func at(_ r: Int, _ c: Int) -> Float {
                        actual[(group * channels + r) * (channels + 2) + c]
                    }
                    try #require(at(row, column) == at(column, row), "\(row), \(column) of group \(group)")
                }
            }
        }
    }

    /// W [Σ (x − μ)(x − μ)ᵀ | Σ (x − μ) | μ] becomes Σ (W x + bias) [x; 1]ᵀ, whatever μ is.
    @Test(arguments: [(1, 1, 1), (3, 5, 2), (9, 17, 300)])
    func uncentreMatches(_ sizes: (rows: Int, channels: Int, positions: Int)) throws {
        let (rows, channels, groups) = (sizes.rows, sizes.channels, 2)
        let width = channels + 2
        let product = (0..<groups * rows * width).map { noise(4, $0) }
        let moments = (0..<groups * channels * width).map { noise(5, $0) }
        let bias = (0..<rows).map { noise(6, $0) }
        let buffer = try Buffer(session.context, copying: product)
        let launcher = Launcher(session.queue)
        try kernels.launchUncentre(
            launcher, buffer, bias: Buffer(session.context, copying: bias),
            moments: Buffer(session.context, copying: moments), rows: rows, channels: channels,
            positions: sizes.positions, groups: groups, factor: 0.25)
        try launcher.finish()
        var expected = product.map(Double.init)
        for row in 0..<groups * rows {
            let at = row * width
            let (sum, b) = (
                Double(product[at + channels]), Double(product[at + channels + 1]) + Double(bias[row % rows])
            )
            for c in 0..<channels {
                let of = (row / rows * channels + c) * width + channels
                let (s, mean) = (Double(moments[of]), Double(moments[of + 1]))
                expected[at + c] =
                    (expected[at + c] + sum * mean + b * (s + Double(sizes.positions) * mean)) / 4
            }
            expected[at + channels] = (sum + Double(sizes.positions) * b) / 4
        }
        expectClose(try session.queue.read(buffer), expected) { _ in
            Tolerances.sum(of: 4, magnitude: Double(sizes.positions) + 2)
        }
    }

    /// One that is not a number, or infinite, stays where it belongs.
    @Test func keepsExtremes() throws {
        let values: [Float] = [0, -0.0, 1e19, -3e38, 0x1p-149, .infinity, .nan]
        let a = try Placed(session, channels: values.count, positions: 1) { _, channel, _ in values[channel] }
        let b = try Placed(session, channels: 1, positions: 1) { _, _, _ in 1 }
        let product = try Placed(session, channels: values.count, positions: 1)
        let launcher = Launcher(session.queue)
        try kernels.launch(
            launcher, a.view, b.view, to: product.view, rows: values.count, columns: 1, positions: 1,
            groups: 1,
            factor: 1, room(values.count, 1, 1, 1))
        try launcher.finish()
        expectClose(try product.read(session), values.map(Double.init)) { _ in Tolerances.denormal }
    }

    private func room(_ rows: Int, _ columns: Int, _ positions: Int, _ groups: Int) throws
        -> PanelGramKernels.Room
    {
        let blocks = tile.gramBlocks(rows: rows, columns: columns, positions: positions, groups: groups)
        return PanelGramKernels.Room(
            scratch: try Buffer(session.context, count: blocks.scratch),
            shares: try Buffer(session.context, count: blocks.shared))
    }

    private func rows(_ rows: Int, _ columns: Int, _ value: (Int, Int) -> Double) -> [[Double]] {
        (0..<rows).map { row in (0..<columns).map { value(row, $0) } }
    }

    /// A rounding for each of a part's terms, a run's parts and the runs.
    private func tolerance(terms: Int, magnitude: Double) -> Double {
        let parts = (terms + tile.depth - 1) / tile.depth
        let roundings = min(terms, tile.depth) + min(parts, 64) + parts / 64 + tile.workers + 4
        return Double(roundings) * Tolerance.rounding * magnitude + Tolerances.denormal
    }
}
