import Benchmark
import NonLocal
import SwiftOpenCL

/// What is measured beside the time.
struct Speed {
    /// 10⁹ operations a second by the formulas, a multiply-add counting two.
    private static let gflops = BenchmarkMetric.custom("GFLOP/s", polarity: .prefersLarger)
    /// The operations that the strategy needs, against the device's peak read beside each call.
    private static let percent = BenchmarkMetric.custom("% of roof", polarity: .prefersLarger)

    static let metrics = [gflops, percent]

    private let roof: Roof

    init() throws { roof = try Roof(DeviceSelector.automatic.device()) }

    /// Runs work as often as the benchmark wants, readings of the roof in between and not in the time.
    func measure(_ benchmark: Benchmark, _ plan: Plan, _ work: () throws -> BlockResult) throws {
        for _ in benchmark.scaledIterations {
            benchmark.startMeasurement()
            let seconds = try work().seconds
            benchmark.stopMeasurement()
            let peak = try roof.reading()
            benchmark.measurement(Self.gflops, Int(plan.textbookOperations / seconds / 1e9))
            benchmark.measurement(Self.percent, Int(plan.executedOperations / seconds / peak * 100))
        }
    }
}
