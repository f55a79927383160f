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
}
