import SwiftOpenCL
import Testing

@testable import NonLocal

/// `warp_product.cl` by itself, with the twin of its PTX and the race checker.
@Suite(.needsDevice) struct WarpProductKernelTests {
    /// Around the 16 rows of a tile, the 128 of a work-group and the 16 or 32 terms of a stage.
    static let cases: [WarpProductCase] = WarpTile.Arithmetic.allCases.flatMap { arithmetic in
        [
            WarpProductCase(1, [1], 1, arithmetic, hasResidual: true),
            WarpProductCase(15, [129], 17, arithmetic, items: 2, hasResidual: true, .gaps),
            WarpProductCase(33, [7, 16, 120], 9, arithmetic, items: 2, .channelsLast),
            WarpProductCase(130, [3, 5], 129, arithmetic), WarpProductCase(64, [2, 2, 1], 3, arithmetic),
        ]
    }

    @Test(arguments: cases)
    func matches(_ problem: WarpProductCase) throws {
        let (actual, expected, tolerances) = try problem.run(TestDevice.session())
        expectClose(actual, expected) { tolerances[$0] }
    }
}
