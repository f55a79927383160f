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
