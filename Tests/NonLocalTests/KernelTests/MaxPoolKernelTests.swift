import SwiftOpenCL
import Testing

@testable import NonLocal

/// `max_pool.cl` by itself: the same numbers as the reference, bit for bit, since nothing is computed.
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
    ]

    @Test(arguments: problems, Arrangement.allCases)
    func matches(_ problem: Problem, _ arrangement: Arrangement) throws {
        try check(problem, arrangement) { noise($0, $1, $2) }
    }

    @Test(arguments: problems)
    func keepsExtremes(_ problem: Problem) throws {
        let values: [Float] = [-3e38, -.infinity, 0x1p-149, -0x1p-149, .nan, 3e38, -1, .infinity, 0]
        try check(problem, .packed) { values[($0 * 5 + $1 * 3 + $2) % values.count] }
        try check(problem, .packed) { _, _, _ in -.infinity }
    }

    private func check(
        _ problem: Problem, _ arrangement: Arrangement, value: (Int, Int, Int) -> Float
    ) throws {
        let (channels, pooled) = (problem.channels, problem.pooled)
        let x = try Placed(
            session, items: problem.items, channels: channels, positions: problem.grid.count, arrangement,
            value: value)
        let y = try Placed(
            session, items: problem.items, channels: channels, positions: pooled, arrangement)
        let launcher = Launcher(session.queue)
        try MaxPoolKernel(session.library).launch(
            launcher, from: x.view, grid: problem.grid, window: problem.window, to: y.view, pooled: pooled,
            channels: channels, items: problem.items)
        try launcher.finish()

        let expected = (0..<problem.items).flatMap { item in
            ReferenceStages.maxPool(
                Field(channels: channels, positions: problem.grid.count) { Double(value(item, $0, $1)) },
                grid: problem.grid, window: problem.window
            ).values
        }
        expectClose(try y.read(session), expected) { _ in 0 }
    }
}
