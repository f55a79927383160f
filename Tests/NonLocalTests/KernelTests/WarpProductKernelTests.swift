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

    /// Maps of small weights are as exact beside one of large weights as by themselves: powers of two change nothing.
    @Test(arguments: WarpTile.Arithmetic.allCases)
    func smallWeightsBesideLargeOnes(_ arithmetic: WarpTile.Arithmetic) throws {
        var problem = WarpProductCase(33, [7, 16, 12], 9, arithmetic)
        let alike = try problem.run(TestDevice.session()).actual
        problem.factors = [1, 0x1p-17, 0x1p-60]
        let apart = try problem.run(TestDevice.session()).actual
        for (index, (alike, apart)) in zip(alike, apart).enumerated() {
            let factor = problem.factors[index < 7 * 9 ? 0 : index < 23 * 9 ? 1 : 2]
            #expect(apart == factor * alike, "number \(index)")
        }
    }
}
