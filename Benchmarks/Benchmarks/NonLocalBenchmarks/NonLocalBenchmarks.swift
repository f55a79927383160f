import Benchmark
import NonLocal

/// Speeds by the formulas' operations: a multiply-add counts two.
private let speed = BenchmarkMetric.custom("GFLOP/s", polarity: .prefersLarger)

/// Whole blocks with random weights on the best OpenCL device, results not validated.
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(metrics: [.wallClock, speed], maxDuration: .seconds(5))

    let blocks: [(name: String, configuration: NonLocalBlock.Configuration, shape: [Int])] = [
        ("res4", .init(channels: 1024), [1, 1024, 4, 14, 14]),
        ("res4 pooled", .init(channels: 1024, subsample: .convFirst), [1, 1024, 4, 14, 14]),
        ("res4 concatenation", .init(channels: 1024, pairwise: .concatenation), [1, 1024, 4, 14, 14]),
        ("image 14×14", .init(channels: 256), [1, 256, 14, 14]),
    ]
    for (name, configuration, shape) in blocks {
        Benchmark("block \(name)") { (benchmark, work: (PreparedBlock, Tensor<Float>)) in
            for _ in benchmark.scaledIterations {
                let result = try work.0.run(work.1)
                benchmark.measurement(
                    speed, Int(work.0.plan.textbookOperations / result.seconds / 1e9))
            }
        } setup: {
            let weights = try BlockWeights.random(for: configuration, seed: 1, zeroInitialized: false)
            let block = try NonLocalBlock(configuration, weights: weights)
            return (
                try block.prepared(for: shape, backend: .opencl, validation: .off),
                try Tensor<Float>.normal(shape: shape, seed: 2)
            )
        }
    }
}
