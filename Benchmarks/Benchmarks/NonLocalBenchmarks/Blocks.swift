import Benchmark
import NonLocal

/// Whole blocks with random weights: the paper's four stages, pooled, at T = 4, and a small image.
func registerBlocks() {
    let blocks: [(name: String, configuration: NonLocalBlock.Configuration, shape: [Int])] = [
        ("res2", .init(channels: 256, subsample: .convFirst), [1, 256, 4, 56, 56]),
        ("res3", .init(channels: 512, subsample: .convFirst), [1, 512, 4, 28, 28]),
        ("res4", .init(channels: 1024, subsample: .convFirst), [1, 1024, 4, 14, 14]),
        ("res4, not pooled", .init(channels: 1024), [1, 1024, 4, 14, 14]),
        ("res5", .init(channels: 2048, subsample: .convFirst), [1, 2048, 4, 7, 7]),
        ("small, 64×14×14", .init(channels: 64), [1, 64, 14, 14]),
    ]
    for (name, configuration, shape) in blocks {
        Benchmark("block \(name)") { (benchmark, work: BlockWork) in
            try work.speed.measure(benchmark, work.prepared.plan) { try work.prepared.run(work.x) }
        } setup: {
            try BlockWork(configuration, shape: shape)
        }
    }
}

private struct BlockWork {
    let prepared: PreparedBlock
    let x: Tensor<Float>
    let speed: Speed

    init(_ configuration: NonLocalBlock.Configuration, shape: [Int]) throws {
        let weights = try BlockWeights.random(for: configuration, seed: 1, zeroInitialized: false)
        prepared = try NonLocalBlock(configuration, weights: weights).prepared(
            for: shape, backend: .opencl, validation: .off)
        x = try .normal(shape: shape, seed: 2)
        speed = try Speed()
    }
}
