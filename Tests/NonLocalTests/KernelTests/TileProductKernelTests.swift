import SwiftOpenCL
import Testing

@testable import NonLocal

/// `tile_product.cl` by itself: products of operands that lie in any order.
@Suite(.needsDevice) struct TileProductKernelTests {
    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    static var tiles: [GroupTile] {
        get throws { try GroupTile.candidates(TestDevice.session().device) }
    }

    struct Sizes: CustomTestStringConvertible, Sendable {
        let rows, terms, columns, items: Int

        init(_ rows: Int, _ terms: Int, _ columns: Int, items: Int = 1) {
            (self.rows, self.terms, self.columns, self.items) = (rows, terms, columns, items)
        }

        var testDescription: String { "\(items) × \(rows) × \(terms) × \(columns)" }
    }

    /// Around quads, the slices of 8 and 16 terms, parts of 128 terms and tiles of 32, 64 and 128.
    static let sizes = [
        Sizes(1, 1, 1), Sizes(3, 2, 5, items: 3), Sizes(4, 8, 4), Sizes(31, 15, 33, items: 2),
        Sizes(32, 16, 32), Sizes(63, 17, 65, items: 2), Sizes(129, 7, 127), Sizes(5, 127, 3),
        Sizes(2, 129, 6), Sizes(3, 2048, 2), Sizes(257, 3, 1), Sizes(1, 3, 257),
    ]

    @Test(arguments: sizes, Arrangement.allCases)
    func matches(_ sizes: Sizes, _ arrangement: Arrangement) throws {
        for tile in try Self.tiles { try check(tile, sizes, arrangement) }
    }

    private func check(_ tile: GroupTile, _ sizes: Sizes, _ arrangement: Arrangement) throws {
        func a(_ item: Int, _ term: Int, _ row: Int) -> Float { noise(1, item, term, row) }
        func b(_ item: Int, _ term: Int, _ column: Int) -> Float { noise(2, item, term, column) }
        func c(_ item: Int, _ row: Int, _ column: Int) -> Float { noise(3, item, row, column) }
        func placed(_ channels: Int, _ positions: Int, _ value: (Int, Int, Int) -> Float) throws -> Placed {
            try Placed(
                session, items: sizes.items, channels: channels, positions: positions, arrangement,
                value: value)
        }
        let rows = try placed(sizes.terms, sizes.rows, a), columns = try placed(sizes.terms, sizes.columns, b)
        let residual = try placed(sizes.rows, sizes.columns, c)
        let y = try placed(sizes.rows, sizes.columns) { _, _, _ in Placed.unwritten }
        let bias = (0..<sizes.items * sizes.rows).map { noise(4, $0) }
        let launcher = Launcher(session.queue)
        try TileProductKernels(session.library, tile).launch(
            launcher, rows.view, columns.view, to: [y.view], heights: [sizes.rows],
            bias: .init(buffer: Buffer(session.context, copying: bias), groupStride: sizes.rows),
            residual: residual.view, factor: 0.5,
            ProductSize(rows: sizes.rows, terms: sizes.terms, columns: sizes.columns, groups: sizes.items))
        try launcher.finish()

        var expected: [Double] = []
        for item in 0..<sizes.items {
            for row in 0..<sizes.rows {
                for column in 0..<sizes.columns {
                    var sum = 0.0
                    for term in 0..<sizes.terms {
                        sum += Double(a(item, term, row)) * Double(b(item, term, column))
                    }
                    expected.append(
                        0.5 * sum + Double(bias[item * sizes.rows + row]) + Double(c(item, row, column)))
                }
            }
        }
        expectClose(try y.read(session), expected, "\(tile)") { _ in
            Tolerances.sum(of: 2 * sizes.terms, magnitude: Double(sizes.terms) / 2 + 2)
        }
    }

    @Test func keepsExtremes() throws {
        let values: [Float] = [0, -0.0, 3e38, -3e38, 0x1p-149, -1e-38, .infinity, .nan]
        for tile in try Self.tiles {
            let one = try Placed(session, channels: 1, positions: 1) { _, _, _ in 1 }
            let x = try Placed(session, channels: 1, positions: values.count) { values[$2] }
            let y = try Placed(session, channels: 1, positions: values.count)
            let launcher = Launcher(session.queue)
            try TileProductKernels(session.library, tile).launch(
                launcher, one.view, x.view, to: [y.view], heights: [1],
                ProductSize(rows: 1, terms: 1, columns: values.count, groups: 1))
            try launcher.finish()
            expectClose(try y.read(session), values.map(Double.init), "\(tile)") { _ in Tolerances.denormal }
        }
    }
}
