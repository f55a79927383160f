import SwiftOpenCL
import Testing

@testable import NonLocal

/// `panel_transpose.cl` by itself: the same numbers in another layout, bit for bit.
@Suite(.needsSorting) struct PanelTransposeKernelTests {
    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    @Test(arguments: [(1, 1), (3, 17), (16, 16), (33, 5), (15, 100)], Arrangement.allCases)
    func matches(_ size: (channels: Int, positions: Int), _ arrangement: Arrangement) throws {
        for target in Arrangement.allCases {
            let x = try Placed(
                session, items: 2, groups: 3, channels: size.channels, positions: size.positions, arrangement
            ) { noise($0, $1, $2) }
            let y = try Placed(
                session, items: 2, groups: 3, channels: size.channels, positions: size.positions, target)
            let launcher = Launcher(session.queue)
            try PanelTransposeKernel(session.library, PanelTile(session.device), slab: 1).launch(
                launcher, from: x.view, to: y.view, channels: size.channels, positions: size.positions,
                groups: 6)
            try launcher.finish()
            expectSameBits(try y.read(session), try x.read(session), "\(arrangement) to \(target)")
        }
    }
}
