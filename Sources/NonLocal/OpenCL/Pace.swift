import Foundation

/// How a run proceeds: launches no longer than a bound, told of as they are done, stopped when that is wanted.
///
/// Not `Sendable`: each run has its own.
final class Pace {
    private let mostSeconds: Double
    private let speeds: LaunchSpeeds
    private let monitor: RunMonitor?

    /// - Parameters:
    ///   - mostSeconds: that one launch may take.
    ///   - monitor: who follows the run, if anybody does.
    init(mostSeconds: Double, _ speeds: LaunchSpeeds, monitor: RunMonitor?) {
        self.mostSeconds = mostSeconds
        self.speeds = speeds
        self.monitor = monitor
    }

    /// Units of work that a launch may have.
    func units(of kernel: String, operationsOfEach: Double) -> Int {
        let units = mostSeconds * speeds[kernel] / max(operationsOfEach, 1)
        return max(Int(min(units, 1e15)), 1)
    }

    /// Takes down what a launch took.
    func took(_ kernel: String, operations: Double, seconds: Double) {
        speeds.add(kernel, operations: operations, seconds: seconds)
        monitor?.advance(by: operations)
    }

    /// - Throws: `CancellationError` if the run is to be stopped.
    func check() throws { try monitor?.check() }
}

/// What a device's kernels were seen to do in a second, from which it is told how much fits a launch.
///
/// Safe from any thread.
final class LaunchSpeeds: Sendable {
    private let lock = NSLock()
    private nonisolated(unsafe) var speeds: [String: Double] = [:]
    private let first: Double

    /// A launch that does as was seen takes this share of the bound: devices are not always as quick.
    private static let share = 0.6

    init(computeUnits: Int) { first = Double(max(computeUnits, 1)) * Workload.slowestUnit }

    /// Operations a second to reckon with.
    subscript(kernel: String) -> Double {
        lock.withLock { speeds[kernel].map { $0 * Self.share } ?? first }
    }

    /// Short launches say little of long ones: their speed can only raise what is known.
    func add(_ kernel: String, operations: Double, seconds: Double) {
        guard seconds > 0 else { return }
        let seen = operations / seconds
        lock.withLock {
            guard let known = speeds[kernel] else { return speeds[kernel] = seen }
            speeds[kernel] = seconds < 0.01 ? max(known, seen) : (known + seen) / 2
        }
    }
}
