import SwiftOpenCL
import Testing

@testable import NonLocal

/// `max_pool.cl` and `panel_pool.cl` by themselves: the same numbers as the reference, bit for bit, since nothing is computed.
@Suite(.needsDevice) struct MaxPoolKernelTests {
    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    struct Problem: CustomTestStringConvertible, Sendable {
        let grid: Grid
        let window: Geometry.Window
        var items = 1
        var channels = 3

        var testDescription: String { "\(items) × \(grid.t)×\(grid.h)×\(grid.w) by \(window)" }

        var pooled: Int {
            switch window {
            case .flat(let size): grid.count / size
            case .grid(let t, let h, let w): (grid.t / t) * (grid.h / h) * (grid.w / w)
            }
        }
    }

    static let problems = [
        Problem(grid: Grid(t: 1, h: 1, w: 2), window: .grid(t: 1, h: 1, w: 2)),
        Problem(grid: Grid(t: 1, h: 1, w: 7), window: .grid(t: 1, h: 1, w: 2), items: 2),
        Problem(grid: Grid(t: 1, h: 7, w: 7), window: .grid(t: 1, h: 2, w: 2), channels: 1),
        Problem(grid: Grid(t: 3, h: 5, w: 7), window: .grid(t: 1, h: 2, w: 2), items: 2),
        Problem(grid: Grid(t: 5, h: 4, w: 3), window: .grid(t: 2, h: 3, w: 1)),
        Problem(grid: Grid(t: 4, h: 6, w: 5), window: .grid(t: 4, h: 6, w: 5)),
        Problem(grid: Grid(t: 7, h: 3, w: 2), window: .grid(t: 3, h: 1, w: 1)),
        Problem(grid: Grid(t: 1, h: 2, w: 127), window: .grid(t: 1, h: 2, w: 2)),
        Problem(grid: Grid(t: 1, h: 1, w: 129), window: .grid(t: 1, h: 1, w: 2)),
        Problem(grid: Grid(t: 3, h: 5, w: 7), window: .flat(2), items: 2),
        Problem(grid: Grid(t: 1, h: 3, w: 5), window: .flat(15)),
        Problem(grid: Grid(t: 2, h: 8, w: 9), window: .flat(7), channels: 9),
        // As many windows in a row as vectors of 4, 8 and 16 numbers have, one less and one more.
        Problem(grid: Grid(t: 2, h: 3, w: 14), window: .grid(t: 1, h: 2, w: 2), items: 2),
        Problem(grid: Grid(t: 1, h: 3, w: 31), window: .grid(t: 1, h: 1, w: 1)),
        Problem(grid: Grid(t: 2, h: 3, w: 32), window: .grid(t: 1, h: 1, w: 2)),
        Problem(grid: Grid(t: 1, h: 4, w: 35), window: .grid(t: 1, h: 2, w: 2)),
        Problem(grid: Grid(t: 1, h: 2, w: 50), window: .grid(t: 1, h: 1, w: 3)),
        Problem(grid: Grid(t: 1, h: 2, w: 33), window: .grid(t: 1, h: 2, w: 4)),
        Problem(grid: Grid(t: 2, h: 2, w: 49), window: .grid(t: 2, h: 1, w: 16)),
    ]

    @Test(arguments: problems, Arrangement.allCases)
    func matches(_ problem: Problem, _ arrangement: Arrangement) throws {
        for kernels in kernels(problem) { try check(problem, kernels, arrangement) { noise($0, $1, $2) } }
    }

    @Test(arguments: problems)
    func keepsExtremes(_ problem: Problem) throws {
        let values: [Float] = [-3e38, -.infinity, 0x1p-149, -0x1p-149, .nan, 3e38, -1, .infinity, 0]
        for kernels in kernels(problem) {
            try check(problem, kernels, .packed) { values[($0 * 5 + $1 * 3 + $2) % values.count] }
            try check(problem, kernels, .packed) { _, _, _ in -.infinity }
        }
    }

    /// The panel kernel's tiles that take a problem's windows, and none for the plain kernel.
    private func kernels(_ problem: Problem) -> [PanelTile?] {
        let columns = problem.window.extents(of: problem.grid).window[2]
        return [nil] + PanelTile.widths.filter { $0 >= columns }.map { PanelTile(lanes: $0, workers: 2) }
    }

    private func check(
        _ problem: Problem, _ tile: PanelTile?, _ arrangement: Arrangement, value: (Int, Int, Int) -> Float
    ) throws {
        let (channels, pooled) = (problem.channels, problem.pooled)
        let x = try Placed(
            session, items: problem.items, channels: channels, positions: problem.grid.count, arrangement,
            value: value)
        let y = try Placed(
            session, items: problem.items, channels: channels, positions: pooled, arrangement)
        let launcher = Launcher(session.queue)
        if let tile {
            try PanelPoolKernel(session.library, tile).launch(
                launcher, from: x.view, to: y.view, channels: channels, grid: problem.grid,
                window: problem.window, pooled: pooled, items: problem.items)
        } else {
            try MaxPoolKernel(session.library).launch(
                launcher, from: x.view, grid: problem.grid, window: problem.window, to: y.view,
                pooled: pooled, channels: channels, items: problem.items)
        }
        try launcher.finish()

        let expected = (0..<problem.items).flatMap { item in
            ReferenceStages.maxPool(
                Field(channels: channels, positions: problem.grid.count) { Double(value(item, $0, $1)) },
                grid: problem.grid, window: problem.window
            ).values
        }
        expectClose(try y.read(session), expected, "\(tile?.lanes ?? 1) lanes") { _ in 0 }
    }
}
