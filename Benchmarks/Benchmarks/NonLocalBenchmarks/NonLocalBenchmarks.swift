import Benchmark

/// What `make bench` runs: float32 on the best OpenCL device, results not validated.
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock] + Speed.metrics, maxDuration: .seconds(3))
    registerOperations()
    registerBlocks()
}
