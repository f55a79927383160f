import SwiftOpenCL
import Testing

@testable import NonLocal

/// What a plan tells from the tile kernels' sizes.
@Suite(.needsDevice) struct GroupTileTests {
    private static func tile(cores: Int = 100) throws -> GroupTile {
        try GroupTile.candidates(TestDevice.session().device)[0].with(cores: cores)
    }

    @Test func candidatesFitTheDevice() throws {
        let device = try TestDevice.session().device
        let tiles = GroupTile.candidates(device)
        #expect(!tiles.isEmpty && Set(tiles).count == tiles.count)
        for tile in tiles {
            // What any device has that these kernels are meant for.
            #expect(tile.localMemory <= 32 << 10 && tile.workItems <= 256)
            #expect(tile.localMemory <= device.localMemory)
        }
    }

    @Test func fusingPaysWhereOnePassDoes() throws {
        let tile = try Self.tile()
        #expect(tile.passes(valueChannels: 256) == 1 && tile.fusingPays(width: 2048, valueChannels: 256))
        #expect(tile.passes(valueChannels: 257) == 2 && !tile.fusingPays(width: 512, valueChannels: 512))
        #expect(tile.fusingPays(width: 62, valueChannels: 512))
        #expect(!tile.fusingPays(width: 63, valueChannels: 512))
        // Products with 8 × 8 sums a work-item read half as much local memory as fused attention does.
        let large = try #require(GroupTile.candidates(TestDevice.session().device).first { $0.quads == 2 })
        #expect(large.fusingPays(width: 70, valueChannels: 70))
        #expect(!large.fusingPays(width: 71, valueChannels: 70))
        // Weights in 16 bits are four bytes less to move.
        for precision in [Precision.mixed, .float16, .bfloat16] {
            #expect(tile.fusingPays(width: 48, valueChannels: 512, precision))
            #expect(!tile.fusingPays(width: 49, valueChannels: 512, precision))
            #expect(large.fusingPays(width: 56, valueChannels: 56, precision))
            #expect(!large.fusingPays(width: 57, valueChannels: 56, precision))
        }
        // Both passes have three blocks.
        #expect(tile.values(of: 64 * 6) == 3 && tile.passes(valueChannels: 64 * 6) == 2)
    }

    @Test func thePlanChoosesByThat() throws {
        func plan(_ inner: Int, _ precision: Precision = .float32) throws -> Plan {
            let problem = BlockCase([1, 4, 16], inner: inner, value: 512)
            return try problem.block().prepared(
                for: problem.shape, on: TestDevice.session(), kernels: .tile, precision: precision
            ).plan
        }
        #expect(try plan(8).strategy == .fused && plan(512).strategy == .staged)
        for precision in [Precision.mixed, .float16, .bfloat16] {
            let staged = try plan(512, precision)
            #expect(staged.strategy == .staged && staged.precision == precision)
            #expect(staged.description.contains("θ, φ, g and the weights of pairs; sums in float32"))
            #expect(try plan(8, precision).description.contains("θ, φ, g; sums in float32"))
        }
        #expect(try !plan(512).description.contains("16 bits"))
    }

    @Test func sharesKeepTheCoresBusy() throws {
        let tile = try Self.tile(cores: 132)
        #expect(tile.attentionShares(valueChannels: 64, rows: 784, keys: 784, groups: 1).count == 13)
        let few = tile.attentionShares(valueChannels: 64, rows: 3136, keys: 784, groups: 1)
        #expect(few.count == 5 && few.shared == 5 * 66 * 3136)
        #expect(tile.attentionShares(valueChannels: 64, rows: 784, keys: 784, groups: 32).count == 1)
        #expect(
            tile.productShares(ProductSize(rows: 128, terms: 20_000, columns: 128, groups: 1)).count == 66)
        #expect(tile.productShares(ProductSize(rows: 128, terms: 300, columns: 128, groups: 1)).count == 1)
    }

    @Test func strategiesThatItLacksSayWhy() throws {
        func message(_ problem: BlockCase, _ strategy: Strategy) throws -> String? {
            failure(.configuration) {
                _ = try problem.block().prepared(
                    for: problem.shape, on: TestDevice.session(), strategy: strategy, kernels: .tile)
            }?.message
        }
        let sorted = try message(BlockCase([1, 4, 9]) { $0.pairwise = .dotProduct }, .sorted)
        #expect(sorted?.contains("concatenation form") == true)
        let fused = try message(BlockCase([1, 4, 9]) { $0.pairwise = .dotProduct }, .fused)
        #expect(fused?.contains("softmax") == true)
        let reassociated = try message(BlockCase([1, 4, 9]), .reassociated)
        #expect(reassociated?.contains("dot-product form") == true)
    }
}
