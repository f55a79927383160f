import SwiftOpenCL
import Testing

@testable import NonLocal

/// `gather.cl` by itself: chosen positions, bit for bit.
@Suite(.needsDevice) struct GatherKernelTests {
    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    @Test(arguments: [
        [0], [4, 4, 0], [6, 5, 4, 3, 2, 1, 0], Array(repeating: 3, count: 63), Array(0..<65).map { $0 % 7 },
    ])
    func matches(_ index: [Int]) throws {
        for arrangement in Arrangement.allCases {
            let (channels, items) = (5, 2)
            let x = try Placed(session, items: items, channels: channels, positions: 7, arrangement) {
                $0 == 0 && $1 == 0 ? -0.0 : noise($0, $1, $2)
            }
            let y = try Placed(session, items: items, channels: channels, positions: index.count, arrangement)
            let launcher = Launcher(session.queue)
            try GatherKernel(session.library).launch(
                launcher, from: x.view,
                index: try Buffer(session.context, copying: index.map(Int32.init), access: .readOnly),
                to: y.view, channels: channels, items: items)
            try launcher.finish()
            let source = try x.read(session)
            let expected = (0..<items * channels).flatMap { row in index.map { source[row * 7 + $0] } }
            expectSameBits(try y.read(session), expected, arrangement.rawValue)
        }
    }

    /// Each item by an index of its own, and back again.
    @Test func goesThereAndBack() throws {
        let (channels, items, count) = (3, 2, 70)
        let orders = [(0..<count).map { $0 * 9 % count }, Array((0..<count).reversed())]
        let index = try Buffer(
            session.context, copying: orders.flatMap { $0.map { Float(bitPattern: UInt32($0)) } })
        for arrangement in Arrangement.allCases {
            func placed(_ value: (Int, Int, Int) -> Float = { _, _, _ in Placed.unwritten }) throws -> Placed
            {
                try Placed(
                    session, items: items, channels: channels, positions: count, arrangement, value: value)
            }
            let (x, y, back) = (try placed { noise($0, $1, $2) }, try placed(), try placed())
            let kernel = try GatherKernel(session.library)
            let launcher = Launcher(session.queue)
            try kernel.launch(
                launcher, from: x.view, index: index, count: count, to: y.view, channels: channels,
                items: items)
            try kernel.launchBack(
                launcher, from: y.view, index: index, count: count, to: back.view, channels: channels,
                items: items)
            try launcher.finish()
            let source = try x.read(session)
            let expected = (0..<items * channels).flatMap { row in
                orders[row / channels].map { source[row * count + $0] }
            }
            expectSameBits(try y.read(session), expected, arrangement.rawValue)
            expectSameBits(try back.read(session), source, arrangement.rawValue)
        }
    }
}
