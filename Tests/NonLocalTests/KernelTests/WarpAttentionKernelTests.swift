import SwiftOpenCL
import Testing

@testable import NonLocal

/// `warp_attention.cl` by itself, with the twin of its PTX and the race checker.
@Suite(.needsDevice) struct WarpAttentionKernelTests {
    /// Every tiling of the table, with ragged queries and keys, and channels that fill no slice.
    static let tilings: [WarpCase] = WarpTile.Arithmetic.allCases.flatMap { arithmetic in
        [
            WarpCase(1, 1, 1, arithmetic), WarpCase(16, 131, 75, arithmetic) { $0.groups = 2 },
            WarpCase(64, 5, 33, arithmetic), WarpCase(33, 7, 20, arithmetic),
            WarpCase(128, 17, 39, arithmetic),
            WarpCase(256, 9, 33, arithmetic), WarpCase(512, 9, 33, arithmetic),
        ]
    }

    /// Widths that differ, several shares of the keys, scales and magnitudes of all kinds, views of all kinds.
    static let cases: [WarpCase] = [.float16, .float32].flatMap { (arithmetic: WarpTile.Arithmetic) in
        [
            WarpCase(70, 5, 40, arithmetic, values: 3), WarpCase(3, 5, 40, arithmetic, values: 140),
            WarpCase(1024, 3, 33, arithmetic, values: 512), WarpCase(24, 3, 33, arithmetic, values: 530),
            WarpCase(40, 66, 161, arithmetic) { $0.shares = 2 },
            WarpCase(130, 6, 97, arithmetic) { $0.shares = 3 },
            WarpCase(16, 9, 40, arithmetic) { $0.scale = -2 },
            WarpCase(16, 9, 40, arithmetic) { $0.scale = 0 },
            WarpCase(16, 9, 40, arithmetic) { ($0.scale, $0.largest) = (1, 0x1p100) },
            WarpCase(16, 9, 40, arithmetic) { ($0.scale, $0.largest) = (1, 0x1p-100) },
            WarpCase(16, 9, 40, arithmetic) {
                ($0.scale, $0.largest, $0.largestPhi) = (1, 0x1p100, 0x1p60)
            },
            WarpCase(16, 9, 40, arithmetic) {
                ($0.scale, $0.largest, $0.largestPhi) = (0x1p-120, 0x1p100, 0x1p20)
            },
            WarpCase(70, 9, 40, arithmetic) { $0.largestG = 0x1p-110 },
            WarpCase(16, 9, 140, arithmetic) { ($0.largestG, $0.shares) = (0x1p-110, 2) },
            WarpCase(16, 9, 40, arithmetic) { $0.largestG = 0x1p120 },
            WarpCase(20, 17, 40, arithmetic) { ($0.groups, $0.arrangement) = (2, .gaps) },
            WarpCase(20, 17, 40, arithmetic) { ($0.groups, $0.arrangement) = (3, .interleavedChannelsLast) },
        ]
    }

    @Test(arguments: tilings + cases)
    func matches(_ problem: WarpCase) throws {
        let (error, tolerance) = try problem.error(TestDevice.session())
        #expect(error <= tolerance)
    }

    /// Every tiling that may be taken, with fewer channels than it is meant for.
    static let candidates: [WarpCase] = WarpTile.Arithmetic.allCases.flatMap { arithmetic in
        WarpTile.table(arithmetic).flatMap { WarpTile.candidates(arithmetic, like: $0) }.map { tile in
            WarpCase(33, 5, 2 * tile.keys + 5, arithmetic, values: 40) { $0.tile = tile }
        }
    }

    @Test(arguments: candidates) func candidatesMatch(_ problem: WarpCase) throws {
        let (error, tolerance) = try problem.error(TestDevice.session())
        #expect(error <= tolerance)
    }

    /// One shape must not leave most of 132 multiprocessors idle, and shares must cost less than they gain.
    @Test func sharesFillTheDevice() throws {
        for arithmetic in WarpTile.Arithmetic.allCases {
            for width in [128, 256, 512] {
                let variant = try WarpVariant(
                    width: width, values: width, arithmetic: arithmetic, usesPTX: true)
                func workGroups(_ rows: Int, _ groups: Int) -> Int {
                    variant.rowBlocks(rows) * groups
                        * variant.shares(rows: rows, keys: rows, groups: groups, computeUnits: 132)
                }
                #expect(workGroups(784, 1) >= 100, "\(arithmetic.rawValue), \(width)")
                #expect(workGroups(1, 1) == 1 || workGroups(1, 1) <= 132 * 8)
                #expect(variant.shares(rows: 784, keys: 784, groups: 1000, computeUnits: 132) == 1)
                #expect(variant.shares(rows: 784, keys: variant.tile.keys, groups: 1, computeUnits: 132) == 1)
            }
        }
    }

    /// Pieces of φ and g ahead by three, and pieces of different sizes.
    @Test(arguments: [WarpTile.Arithmetic.float16, .float32])
    func longerRings(_ arithmetic: WarpTile.Arithmetic) throws {
        let problem = WarpCase(64, 5, 100, arithmetic, values: 32) {
            $0.tile = WarpTile(
                64, 32, (1, 2), tiles: 1, keys: 16, stages: (2, 2), ring: 4, kept: 1, chain: 1)
        }
        let (error, tolerance) = try problem.error(TestDevice.session())
        #expect(error <= tolerance)
    }

    /// In half precision the error is at most twice that of PyTorch's own attention on the same numbers.
    @Test(arguments: try GoldenAttention.all(), [WarpTile.Arithmetic.float16, .bfloat16])
    func besidePyTorch(_ golden: GoldenAttention, _ arithmetic: WarpTile.Arithmetic) throws {
        let problem = WarpCase(
            golden.width, golden.rows, golden.keys, arithmetic, values: golden.values)
        let (error, _) = try problem.error(TestDevice.session())
        #expect(error <= 2 * (arithmetic == .float16 ? golden.float16 : golden.bfloat16))
    }

    @Test func tooWide() throws {
        let error = failure(.configuration) {
            _ = try WarpVariant(width: 2049, values: 1, arithmetic: .float16, usesPTX: false)
        }
        #expect(error?.message.contains("2049") == true)
    }
}
