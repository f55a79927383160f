import SwiftOpenCL
import Testing

@testable import NonLocal

/// A plan says what else it weighed, and what its own choice takes.
@Suite(.needsDevice) struct AlternativesTests {
    private static func plan(
        _ problem: BlockCase, strategy: Strategy = .automatic, kernels: KernelClass? = .panel,
        memoryLimit: Int? = nil
    ) throws -> Plan {
        try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), strategy: strategy, kernels: kernels,
            memoryLimit: memoryLimit
        ).plan
    }

    @Test func theChosenOneIsNotAmongThem() throws {
        let problem = BlockCase([1, 16, 900]) { $0.pairwise = .dotProduct }
        let plan = try Self.plan(problem)
        #expect(plan.strategy == .reassociated && plan.order != nil && plan.tile != nil)
        let orders = plan.alternatives.filter { $0.strategy == .reassociated }.compactMap(\.order)
        #expect(Set(orders).count == ProductOrder.allCases.count - 1)
        #expect(!orders.contains(plan.order ?? ""))
        #expect(
            plan.alternatives.filter { $0.strategy == .reassociated }.allSatisfy {
                $0.executedOperations >= plan.executedOperations
            })
        #expect(plan.alternatives.last?.strategy == .staged && plan.alternatives.last?.kernels == .plain)
        let text = plan.description
        for part in ["(\(plan.order ?? "?"))", "tiles: ", "instead of:", "staged, plain kernels: "] {
            #expect(text.contains(part), "'\(part)' is not in: \(text)")
        }
    }

    @Test func oneThatDoesNotFitSaysSo() throws {
        let problem = BlockCase([1, 16, 3000])
        let fused = try Self.plan(problem)
        #expect(fused.strategy == .fused)
        let staged = try Self.plan(problem, memoryLimit: fused.peakMemory - 4)
        #expect(staged.strategy == .staged)
        let alternative = try #require(staged.alternatives.first { $0.strategy == .fused })
        #expect(alternative.peakMemory == nil)
        #expect(alternative.obstacle?.contains("the limit is \(fused.peakMemory - 4)") == true)
        #expect(staged.description.contains("does not fit"))
    }

    @Test func aForcedStrategyHasNone() throws {
        let plan = try Self.plan(BlockCase([1, 4, 70]), strategy: .staged, kernels: nil)
        #expect(plan.alternatives.isEmpty && plan.tile == nil && !plan.description.contains("instead of"))
    }

    /// Softmax forms take memory in proportion to N + M, not to N × M, and what their work-items keep.
    @Test(arguments: [2000, 20_000, 200_000])
    func fusedMemoryGrowsWithThePositions(_ positions: Int) throws {
        let problem = BlockCase([1, 16, positions]) { $0.pairwise = .embeddedGaussian }
        let session = try TestDevice.session()
        let plan = try Self.plan(problem, strategy: .fused)
        let size = MemoryLayout<Float>.stride
        let tile = PanelTile(session.device)
        let (d, c) = (problem.configuration.innerChannels, problem.configuration.channels)
        let weights = 4 * (d + tile.rows) * (c + 1)
        let scratch = tile.workers * 512 * 1024
        // θ, φ, g and y, and φ and g packed, g's channels and blocks of keys filled up; skipping orders copies of the
        // four.
        let packed = d + tile.tiles(d) * tile.rows
        let perPosition = (plan.skipsBlocks ? 8 * d + 4 : 4 * d) + packed
        let allowed = (weights + scratch + perPosition * (positions + 2 * tile.blockKeys)) * size
        let shared = session.device.hasUnifiedMemory ? 0 : 2 * c * positions * size
        #expect(plan.peakMemory <= allowed + shared, "\(plan)")
        #expect(plan.allocations.reduce(0) { $0 + $1.bytes } == plan.peakMemory)
    }
}
