import SwiftOpenCL
import Testing

@testable import NonLocal

/// Whole blocks and the bare operation by the warp kernels' twin, with float32 accuracy.
@Suite(.needsDevice) struct WarpStrategyTests {
    static let problems = [
        BlockCase([2, 9, 70]), BlockCase([1, 4, 300]), BlockCase([1, 130, 5]),
        BlockCase([2, 9, 40]) { $0.scale = .factor(-1) }, BlockCase([2, 5, 33]) { $0.pairwise = .gaussian },
        BlockCase([2, 4, 4, 6]) { $0.subsample = .convFirst },
        BlockCase([2, 4, 4, 6]) { $0.subsample = .poolFirst },
        BlockCase([2, 4, 3, 3, 5]) { $0.scope = .space }, BlockCase([2, 4, 13, 3, 2]) { $0.scope = .time },
        BlockCase([1, 5, 4], layout: .channelsLast), BlockCase([2, 6, 70], normGroups: 2, mean: 1),
    ]

    @Test(arguments: problems)
    func matches(_ problem: BlockCase) throws {
        let prepared = try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), strategy: .fused, kernels: .warp, validation: .full)
        #expect(prepared.plan.kernels == .warp && prepared.plan.strategy == .fused)
        _ = try prepared.run(problem.input())
    }

    /// The same in stages, and own weights, which the fused kernels don't know.
    @Test(
        arguments: problems + [
            BlockCase([2, 4, 70]) { $0.ownWeight = .exclude },
            BlockCase([2, 4, 40]) { ($0.ownWeight, $0.scale) = (.strongest, .factor(-0.5)) },
            BlockCase([2, 4, 3, 3, 5]) { ($0.ownWeight, $0.scope) = (.exclude, .space) },
            BlockCase([1, 6, 40], inner: 3, value: 140), BlockCase([1, 6, 40], inner: 140, value: 3),
        ], [Precision.float32, .float16])
    func inStages(_ problem: BlockCase, _ precision: Precision) throws {
        let prepared = try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), strategy: .staged, kernels: .warp,
            validation: .full,
            testsKernels: false, precision: precision)
        #expect(prepared.plan.kernels == .warp && prepared.plan.strategy == .staged)
        _ = try prepared.run(problem.input())
    }

    /// Where memory is short, blocks of rows are taken one after the other.
    @Test func inStagesWithLittleMemory() throws {
        let problem = BlockCase([2, 4, 700], inner: 3, value: 2)
        func prepared(_ limit: Int?) throws -> PreparedBlock {
            try problem.block().prepared(
                for: problem.shape, on: TestDevice.session(), strategy: .staged, kernels: .warp,
                memoryLimit: limit, testsKernels: false)
        }
        let whole = try prepared(nil).plan
        #expect(whole.rowsPerBlock == 700)
        let cut = try prepared(whole.peakMemory / 3)
        #expect(cut.plan.peakMemory <= whole.peakMemory / 3 && (cut.plan.rowsPerBlock ?? 0) < 700)
        let x = try problem.input()
        _ = try cut.run(x)
    }

    /// The quicker way by the bounds of the tilings; more than 2048 channels of θ are for the stages alone.
    @Test(arguments: [
        (512, 512, Strategy.fused), (1024, 512, .fused), (1024, 1024, .staged), (2048, 2048, .staged),
        (2100, 3, .staged),
    ]) func wideOnes(_ width: Int, _ values: Int, _ strategy: Strategy) throws {
        let (theta, phi) = try (
            Tensor<Float>.normal(shape: [1, width, 3], seed: 1),
            Tensor<Float>.normal(shape: [1, width, 9], seed: 2)
        )
        let g = try Tensor<Float>.normal(shape: [1, values, 9], seed: 3)
        let operation = NonLocalOperation(pairwise: .embeddedGaussian, scale: .inverseSquareRoot)
        let prepared = try PreparedOperation(
            operation, OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
            session: TestDevice.session(),
            options: RunOptions(kernels: .warp, testsKernels: false, precision: .mixed, validation: .full))
        #expect(prepared.plan.kernels == .warp && prepared.plan.strategy == strategy)
        _ = try prepared(theta: theta, phi: phi, g: g)
    }

    @Test func chosenQueries() throws {
        let problem = BlockCase([2, 4, 3, 3, 5]) { $0.scope = .space }
        let prepared = try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), strategy: .fused, kernels: .warp, validation: .full)
        _ = try prepared.run(problem.input(), queries: [44, 3, 17])
    }

    @Test func bareOperation() throws {
        let (theta, phi) = try (
            Tensor<Float>.normal(shape: [2, 20, 30], seed: 1),
            Tensor<Float>.normal(shape: [2, 20, 90], seed: 2)
        )
        let g = try Tensor<Float>.normal(shape: [2, 7, 90], seed: 3)
        let operation = NonLocalOperation(pairwise: .embeddedGaussian)
        let prepared = try operation.prepared(
            for: OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
            on: TestDevice.session(), kernels: .warp, validation: .full)
        #expect(prepared.plan.kernels == .warp)
        _ = try prepared(theta: theta, phi: phi, g: g)
    }

    /// What these kernels can't do falls to the tile kernels where the choice is free.
    @Test func others() throws {
        let problem = BlockCase([2, 4, 70]) { $0.ownWeight = .exclude }
        let prepared = try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), kernels: .warp, validation: .full)
        #expect(prepared.plan.kernels == .tile && prepared.plan.strategy == .fused)
        let x = try problem.input()
        #expect(try prepared.run(x).validation.rows == 140)
    }
}
