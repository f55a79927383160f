import Foundation
import SwiftOpenCL
import Testing

@testable import NonLocal

/// Runs that are followed, cut into short launches, and stopped.
@Suite struct ProgressTests {
    private static let cases = [
        BlockCase([2, 6, 700]),
        BlockCase([3, 5, 40, 30]) { $0.subsample = .convFirst },
        BlockCase([1, 4, 5, 6, 7]) { $0.scope = .time },
        BlockCase([2, 4, 300]) { $0.pairwise = .concatenation },
        BlockCase([1, 4, 900]) { $0.pairwise = .dotProduct },
    ]

    /// What a run told of.
    private final class Log: Sendable {
        private let lock = NSLock()
        private nonisolated(unsafe) var entries: [RunProgress] = []

        func add(_ progress: RunProgress) { lock.withLock { entries.append(progress) } }
        var all: [RunProgress] { lock.withLock { entries } }
    }

    /// Launches of a microsecond are as short as blocks allow, and many.
    private func prepared(
        _ problem: BlockCase, _ engine: Engine, skip: Skipping = .automatic, launchSeconds: Double? = 1e-6
    ) throws -> PreparedBlock {
        let options = RunOptions(
            skip: skip, form: problem.configuration.scope == .time ? .time : .panels, validation: .full,
            launchSeconds: launchSeconds)
        return try PreparedBlock(
            problem.configuration,
            FoldedWeights(problem.weights(), pairwise: problem.configuration.pairwise), shape: problem.shape,
            session: engine.session(), options: options)
    }

    @Test(arguments: cases, Engine.all)
    func slicesGiveTheSameResult(_ problem: BlockCase, _ engine: Engine) async throws {
        let x = try problem.input()
        let (log, sliced) = (Log(), try prepared(problem, engine))
        let result = try await sliced.run(x) { log.add($0) }
        #expect(try result.output == prepared(problem, engine, launchSeconds: nil)(x))
        let fractions = log.all.map(\.fraction)
        #expect(fractions == fractions.sorted())
        #expect(fractions.allSatisfy { (0...1).contains($0) })
        if problem.configuration.pairwise == .embeddedGaussian {
            #expect(fractions.count > 2)
            #expect(abs((fractions.last ?? 0) - 1) < 1e-6)
        }
    }

    @Test(.needsDevice) func soDoChosenQueriesAndSkipping() async throws {
        let problem = BlockCase([1, 6, 700])
        let x = try problem.input()
        let log = Log()
        let some = try await prepared(problem, .opencl).run(x, queries: [3, 600, 77]) { log.add($0) }
        #expect(
            try some.output
                == prepared(problem, .opencl, launchSeconds: nil).run(x, queries: [3, 600, 77]).output)
        #expect((log.all.last?.fraction ?? 0) > 0.99)
        let skipping = try prepared(problem, .opencl, skip: .on)
        let all = try await skipping.run(x) { log.add($0) }
        #expect(try all.output == prepared(problem, .opencl, skip: .on, launchSeconds: nil)(x))
    }

    /// It ends between two slices, long before all are done, and the next run is whole.
    @Test(arguments: Engine.all) func cancellingStops(_ engine: Engine) async throws {
        let problem = BlockCase([4, 6, 700])
        let x = try problem.input()
        let block = try prepared(problem, engine)
        let log = Log()
        // The task is known to itself once it waits for its own handle.
        let (handles, handle) = AsyncStream<Task<BlockResult, any Error>>.makeStream()
        let task = Task {
            var iterator = handles.makeAsyncIterator()
            let own = await iterator.next()
            return try await block.run(x) { progress in
                log.add(progress)
                if log.all.count == 2 { own?.cancel() }
            }
        }
        handle.yield(task)
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect((log.all.last?.fraction ?? 1) < 0.9)
        let whole = try await block.run(x) { _ in }
        #expect(try whole.output == prepared(problem, engine, launchSeconds: nil)(x))
    }

    /// The attention, and maps with what keys add, are the same, told of, and stopped.
    @Test(
        arguments: [BlockCase([2, 6, 700]), BlockCase([2, 5, 40, 30]) { $0.subsample = .convFirst }],
        Engine.all)
    func attentionIsFollowed(_ problem: BlockCase, _ engine: Engine) async throws {
        let x = try problem.input()
        let (log, sliced) = (Log(), try prepared(problem, engine))
        let map = try await sliced.attention(x) { log.add($0) }
        #expect(try map == prepared(problem, engine, launchSeconds: nil).attention(x))
        #expect(log.all.count > 2 && log.all.allSatisfy { (0...1).contains($0.fraction) })
        #expect(log.all.map(\.operations) == log.all.map(\.operations).sorted())
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await sliced.attention(x) { _ in }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test(arguments: Engine.all) func mapsAreFollowed(_ engine: Engine) async throws {
        let problem = BlockCase([1, 70, 6, 7], norm: .batchNorm)
        let (block, x, log) = (try problem.block(), try problem.input(), Log())
        let query = GridPosition(h: 2, w: 3)
        let maps = try await AttentionMaps(
            of: block, x, at: [query], quantity: .contribution, backend: engine.backend
        ) { log.add($0) }
        let alone = try AttentionMaps(
            of: block, x, at: [query], quantity: .contribution, backend: engine.backend)
        #expect(maps.values == alone.values)
        // g and W_z in parts of 32 channels, after the weights.
        #expect(log.all.count >= 5 && abs((log.all.last?.fraction ?? 0) - 1) < 0.1)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await AttentionMaps(
                of: block, x, at: [query], quantity: .contribution, backend: engine.backend
            ) { _ in }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func whatIsLeftFollowsFromWhatIsDone() {
        let quarter = RunProgress(operations: 25, operationsInAll: 100, seconds: 2)
        #expect(quarter.fraction == 0.25 && quarter.secondsLeft == 6)
        #expect(RunProgress(operations: 0, operationsInAll: 100, seconds: 2).secondsLeft == nil)
        #expect(RunProgress(operations: 0, operationsInAll: 0, seconds: 0).fraction == 1)
        #expect(RunProgress(operations: 101, operationsInAll: 100, seconds: 2).fraction == 1)
    }

    @Test func speedsAreLearned() {
        let speeds = LaunchSpeeds(computeUnits: 4)
        #expect(speeds["a"] == 4 * Workload.slowestUnit)
        speeds.add("a", operations: 1e9, seconds: 0.1)
        #expect(abs(speeds["a"] - 0.6e10) < 1)
        speeds.add("a", operations: 1e6, seconds: 0.001)
        #expect(abs(speeds["a"] - 0.6e10) < 1)
        speeds.add("a", operations: 3e9, seconds: 0.1)
        #expect(abs(speeds["a"] - 1.2e10) < 1)
        #expect(speeds["b"] == 4 * Workload.slowestUnit)
        let pace = Pace(mostSeconds: 0.1, speeds, monitor: nil)
        #expect(pace.units(of: "a", operationsOfEach: 1e8) == 12)
        #expect(pace.units(of: "a", operationsOfEach: 1e12) == 1)
    }
}
