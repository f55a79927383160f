import Benchmark
import NonLocal

/// The bare operation, one case for each pairwise function: res3 at T = 4, d = 256, N = M = 3136.
func registerOperations() {
    let shape = [1, 256, 3136]
    // Bare, the Gaussian is the embedded Gaussian.
    for pairwise in [Pairwise.embeddedGaussian, .dotProduct, .concatenation] {
        Benchmark("operation \(pairwise.name)") { (benchmark, work: OperationWork) in
            try work.speed.measure(benchmark, work.prepared.plan) {
                try work.prepared.run(theta: work.theta, phi: work.phi, g: work.g)
            }
        } setup: {
            try OperationWork(pairwise, shape: shape)
        }
    }
}

private struct OperationWork {
    let prepared: PreparedOperation
    let theta: Tensor<Float>
    let phi: Tensor<Float>
    let g: Tensor<Float>
    let speed: Speed

    init(_ pairwise: Pairwise, shape: [Int]) throws {
        var operation = NonLocalOperation(pairwise: pairwise)
        if pairwise == .concatenation {
            operation.pairwiseWeight = .init(weight: try .normal(shape: [2 * shape[1]], seed: 4))
        }
        prepared = try operation.prepared(
            theta: shape, phi: shape, g: shape, backend: .opencl, validation: .off)
        theta = try .normal(shape: shape, seed: 1)
        phi = try .normal(shape: shape, seed: 2)
        g = try .normal(shape: shape, seed: 3)
        speed = try Speed()
    }
}
