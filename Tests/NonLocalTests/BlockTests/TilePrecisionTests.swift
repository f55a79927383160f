import SwiftOpenCL
import Testing

@testable import NonLocal

/// Fused attention on the tile kernels with θ, φ and g kept in 16 bits, every row compared with the reference.
@Suite(.needsDevice) struct TilePrecisionTests {
    private func prepared(
        _ problem: BlockCase, _ precision: Precision, strategy: Strategy = .fused, memoryLimit: Int? = nil
    ) throws -> PreparedBlock {
        try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), strategy: strategy, kernels: .tile,
            memoryLimit: memoryLimit, groupTile: GroupTile.candidates(TestDevice.session().device).last,
            precision: precision)
    }

    /// - Returns: the result, beside the tolerance of what it was computed in.
    @discardableResult
    private func check(
        _ problem: BlockCase, _ precision: Precision, queries: [Int]? = nil
    ) throws -> BlockResult {
        let prepared = try prepared(problem, precision)
        #expect(prepared.plan.precision == precision && prepared.plan.kernels == .tile)
        #expect(prepared.plan.notes.isEmpty, "\(prepared.plan)")
        let result = try prepared.run(problem.input(), queries: queries)
        #expect(result.output.elements.allSatisfy { $0.isFinite })
        #expect(result.validation.rows == result.validation.rowsInAll)
        return result
    }

    private static let stored = [Precision.mixed, .float16, .bfloat16]

    @Test(arguments: PrecisionTests.problems, stored)
    func matches(_ problem: BlockCase, _ precision: Precision) throws {
        let result = try check(problem, precision)
        #expect(result.precision == precision.stored)
        let exact = try self.prepared(problem, .float32).run(problem.input()).validation
        #expect((exact.tolerance ?? 1) < (result.validation.tolerance ?? 0))
        #expect((exact.maxRelativeError ?? 1) < (result.validation.maxRelativeError ?? 0))
    }

    /// Around the blocks of 32 positions, and odd numbers of them, whose channels begin at odd places.
    @Test(arguments: [1, 2, 31, 32, 33, 65, 129], stored)
    func positions(_ count: Int, _ precision: Precision) throws {
        try check(BlockCase([3, 5, count], value: 7), precision)
    }

    @Test(
        arguments: [(1, 1), (7, 9), (17, 33), (129, 5), (5, 130), (2048, 3)], [Precision.float16, .bfloat16])
    func widths(_ sizes: (inner: Int, value: Int), _ precision: Precision) throws {
        let problem = BlockCase([1, 6, 35], inner: sizes.inner, value: sizes.value) {
            $0.scale = .inverseSquareRoot
        }
        try check(problem, precision)
    }

    @Test(arguments: Subsample.allCases, Scope.allCases)
    func subsamplingAndScope(_ subsample: Subsample, _ scope: Scope) throws {
        for layout in [Layout.channelsFirst, .channelsLast] {
            let shape = layout == .channelsFirst ? [2, 5, 4, 6, 7] : [2, 4, 6, 7, 5]
            let problem = BlockCase(shape, norm: .batchNorm, layout: layout) {
                $0.subsample = subsample
                $0.scope = scope
            }
            try check(problem, .mixed)
            try check(problem, .mixed, queries: [5, 0, 167, 60])
        }
    }

    @Test(arguments: [OwnWeight.exclude, .strongest], stored)
    func ownWeights(_ ownWeight: OwnWeight, _ precision: Precision) throws {
        for count in [2, 33, 300] {
            let problem = BlockCase([2, 4, count], value: 37) {
                $0.ownWeight = ownWeight
                $0.scale = .factor(-0.5)
            }
            try check(problem, precision)
        }
    }

    /// Few queries and many keys, which work-groups share.
    @Test(arguments: stored)
    func sharedKeys(_ precision: Precision) throws {
        try check(BlockCase([1, 4, 700]), precision, queries: [699, 3])
    }

    /// Far beyond 65504, and far below what float16 tells from zero: scaled, numbers fit all the same.
    @Test(arguments: [1e18, 1e6, 1e-6, 1e-30], stored)
    func magnitudes(_ deviation: Double, _ precision: Precision) throws {
        let problem = BlockCase([2, 6, 40], biases: false, deviation: deviation) { $0.scale = .factor(0) }
        #expect(try check(problem, precision).precision == precision.stored)
    }

    /// Logits of ±10⁴ are choices of one key, in whichever precision; some rounding decides between equals.
    @Test(arguments: stored)
    func largeLogits(_ precision: Precision) throws {
        try check(BlockCase([1, 16, 70], deviation: 30) { $0.pairwise = .gaussian }, precision)
    }

    @Test(arguments: stored)
    func bareOperations(_ precision: Precision) throws {
        for (width, values, rows, keys) in [(1, 1, 1, 1), (67, 3, 9, 70), (8, 65, 66, 2), (5, 40, 3, 300)] {
            let operation = NonLocalOperation()
            let theta = try Tensor<Float>.normal(shape: [2, width, rows], deviation: 0.5, seed: 1)
            let phi = try Tensor<Float>.normal(shape: [2, width, keys], deviation: 0.5, seed: 2)
            let g = try Tensor<Float>.normal(shape: [2, values, keys], seed: 3)
            let prepared = try operation.prepared(
                for: OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
                on: TestDevice.session(), strategy: .fused, kernels: .tile, precision: precision)
            #expect(prepared.plan.kernels == .tile && prepared.plan.precision == precision)
            _ = try prepared(theta: theta, phi: phi, g: g)
        }
    }

    @Test func slicesKeepToTheLimit() throws {
        let problem = BlockCase([5, 4, 3, 10, 10]) { $0.scope = .space }
        let plan = try prepared(problem, .float16).plan
        #expect(plan.allocations.reduce(0) { $0 + $1.bytes } == plan.peakMemory)
        let cut = try prepared(problem, .float16, memoryLimit: plan.peakMemory - 4)
        #expect(cut.plan.itemsPerSlice < 5 && cut.plan.peakMemory < plan.peakMemory)
        _ = try cut.run(problem.input())
    }

    /// What only float32 kernels can do is done by them, or refused.
    @Test func otherForms() throws {
        let problem = BlockCase([1, 6, 20]) { $0.pairwise = .dotProduct }
        let mixed = try prepared(problem, .mixed, strategy: .automatic)
        #expect(mixed.plan.precision == .float32)
        #expect(mixed.plan.notes.contains { $0.contains("tile kernels compute in float32") })
        _ = try mixed.run(problem.input())
        let error = failure(.configuration) { _ = try prepared(problem, .float16, strategy: .automatic) }
        #expect(error?.message.contains("not float16") == true)
    }
}
