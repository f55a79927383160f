import Foundation
import SwiftOpenCL
import Testing

@testable import NonLocal

extension LayerTests {
    /// Much at once and for long, by `Scripts/faults` and `make soak`: each result is compared, memory stays flat.
    @Suite struct LoadTests {
        private static let environment = ProcessInfo.processInfo.environment
        private static let seconds = Int(environment["NONLOCAL_SOAK_SECONDS"] ?? "") ?? 20
        private static let calls = Int(environment["NONLOCAL_SOAK_CALLS"] ?? "") ?? 400

        private static let problems = [
            BlockCase([2, 4, 30]), BlockCase([1, 9, 70]) { $0.pairwise = .dotProduct },
            BlockCase([2, 4, 4, 6]) { $0.subsample = .convFirst },
            BlockCase([1, 4, 70]) { $0.pairwise = .concatenation },
            BlockCase([1, 4, 3, 5, 4]) { $0.scope = .time }, BlockCase([3, 8, 131]),
        ]

        /// A problem with its input and what comes out of it.
        private struct Job: Sendable {
            let problem: BlockCase
            let block: NonLocalBlock
            let x: Tensor<Float>
            let z: [Float]

            init(_ problem: BlockCase) throws {
                self.problem = problem
                block = try problem.block()
                x = try problem.input()
                z = try block.prepared(for: problem.shape, on: nil)(x).elements
            }

            func isRight(_ result: Tensor<Float>) -> Bool {
                let scale = z.reduce(0) { max($0, $1.magnitude) }
                return zip(result.elements, z).allSatisfy { ($0 - $1).magnitude <= 1e-4 * scale }
            }
        }

        @Test func manyCalls() throws {
            let layer = try FaultLayer()
            let before = layer.counts
            let jobs = try Self.problems.map(Job.init)
            var early = 0
            do {
                let session = try OpenCLSession(DeviceSelector.automatic.device())
                for call in 0..<Self.calls {
                    let job = jobs[call % jobs.count]
                    let prepared = try job.block.prepared(for: job.problem.shape, on: session)
                    #expect(job.isRight(try prepared(job.x)), "call \(call)")
                    if call == Self.calls / 4 { early = residentBytes() }
                }
            }
            #expect(layer.leaks(beside: before) == nil)
            let late = residentBytes()
            print(
                "\(Self.calls) calls: \(early >> 10) KiB resident after a quarter, \(late >> 10) KiB after all"
            )
            #expect(late - early < max(early / 10, 16 << 20))
        }

        /// 64 tasks share a device, some of them cancelled, while calls fail now and then.
        @Test func manyTasks() async throws {
            let layer = try FaultLayer()
            let before = layer.counts
            let jobs = try Self.problems.map(Job.init)
            let end = ContinuousClock.now + .seconds(Self.seconds)
            // A deadlock would never come to the end.
            let watchdog = Watchdog(seconds: Self.seconds + 300) { print("deadlock") }
            let (early, tallies) = try await withSession { session in
                let shared = try jobs.map { try $0.block.prepared(for: $0.problem.shape, on: session) }
                let faults = Thread { Self.injectFaults(layer, until: end) }
                faults.start()
                return try await withThrowingTaskGroup(of: Tally.self, returning: (Int, Tally).self) {
                    group in
                    for task in 0..<64 {
                        group.addTask { await Self.work(task, jobs, shared, session, until: end) }
                    }
                    try await Task.sleep(for: .seconds(Double(Self.seconds) / 4))
                    let early = residentBytes()
                    var tally = Tally()
                    for try await one in group { tally.add(one) }
                    return (early, tally)
                }
            }
            layer.reset()
            watchdog.cancel()
            let late = residentBytes()
            print(
                "64 tasks, \(Self.seconds) s: \(tallies), \(early >> 10) KiB resident after a quarter, "
                    + "\(late >> 10) KiB at the end")
            #expect(tallies.wrong == 0 && tallies.untyped == 0)
            #expect(tallies.right > 64 && tallies.cancelled > 0 && tallies.failed > 0)
            #expect(layer.leaks(beside: before) == nil)
            #expect(late - early < max(early / 5, 32 << 20))
        }

        private func withSession<Value: Sendable>(
            _ body: (OpenCLSession) async throws -> Value
        ) async throws -> Value {
            try await body(OpenCLSession(DeviceSelector.automatic.device()))
        }

        private struct Tally: Sendable, CustomStringConvertible {
            var (right, wrong, cancelled, failed, untyped) = (0, 0, 0, 0, 0)

            mutating func add(_ other: Tally) {
                right += other.right
                wrong += other.wrong
                cancelled += other.cancelled
                failed += other.failed
                untyped += other.untyped
            }

            var description: String {
                "\(right) right, \(wrong) wrong, \(cancelled) cancelled, \(failed) failed with a typed error, "
                    + "\(untyped) with another"
            }
        }

        private static func work(
            _ task: Int, _ jobs: [Job], _ shared: [PreparedBlock], _ session: OpenCLSession,
            until end: ContinuousClock.Instant
        ) async -> Tally {
            var generator = SplitMix64(seed: UInt64(task))
            var tally = Tally()
            while ContinuousClock.now < end {
                let index = Int.random(in: 0..<jobs.count, using: &generator)
                let (job, own) = (jobs[index], Int.random(in: 0..<4, using: &generator) == 0)
                let run = Task {
                    let prepared =
                        own ? try job.block.prepared(for: job.problem.shape, on: session) : shared[index]
                    return try await prepared.run(job.x, progress: { _ in }).output
                }
                if Int.random(in: 0..<8, using: &generator) == 0 { run.cancel() }
                do {
                    if job.isRight(try await run.value) { tally.right += 1 } else { tally.wrong += 1 }
                } catch is CancellationError {
                    tally.cancelled += 1
                } catch is OpenCLError {
                    tally.failed += 1
                } catch let error as NonLocalError where error.code != .mismatch {
                    tally.failed += 1
                } catch {
                    print(error)
                    tally.untyped += 1
                }
            }
            return tally
        }

        private static func injectFaults(_ layer: FaultLayer, until end: ContinuousClock.Instant) {
            var generator = SplitMix64(seed: 7)
            while ContinuousClock.now < end {
                usleep(50_000)
                let name = layer.names[Int.random(in: 0..<layer.names.count, using: &generator)]
                let statuses = FaultStatuses.all(of: name)
                layer.fail(
                    0, of: name, with: statuses[Int.random(in: 0..<statuses.count, using: &generator)])
            }
        }

        /// Memory that the device lacks makes blocks smaller before it is an error.
        @Test(arguments: [
            BlockCase([2, 4, 700]) {
                $0.subsample = .poolFirst; $0.pool = .flat(2)
            }, BlockCase([8, 4, 300]),
        ])
        func lessMemoryMakesSmallerBlocks(_ problem: BlockCase) throws {
            let layer = try FaultLayer()
            let device = try DeviceSelector.automatic.device()
            let job = try Job(problem)
            layer.reset()
            func run(_ limit: Int?) throws -> (bytes: Int, isRight: Bool) {
                let session = try OpenCLSession(device, sharesHostMemory: false)
                layer.reset()
                let before = layer.bufferBytes
                if let limit { layer.limitBuffers(to: limit) }
                defer { layer.reset() }
                let prepared = try job.block.prepared(for: problem.shape, on: session, strategy: .staged)
                let z = try prepared(job.x)
                return (layer.mostBufferBytes - before, job.isRight(z))
            }
            let (whole, isRight) = try run(nil)
            #expect(isRight)
            var limit = whole
            var least = whole
            while true {
                limit = limit * 3 / 4
                do {
                    let (bytes, isRight) = try run(limit)
                    #expect(bytes <= limit && isRight, "\(bytes) bytes, limit \(limit)")
                    least = bytes
                } catch let error as OpenCLError {
                    #expect(error.isShortOfMemory)
                    break
                }
            }
            print(
                "\(problem.testDescription): \(whole) bytes, as few as \(least) where the device has no more")
            #expect(least <= whole / 2, "it fails without having tried less")
        }

        /// What the user allows is what buffers take, as the layer counts them.
        @Test(arguments: [2, 4, 8])
        func aLimitIsKept(_ part: Int) throws {
            let layer = try FaultLayer()
            let problem = BlockCase([8, 4, 600])
            let session = try OpenCLSession(DeviceSelector.automatic.device(), sharesHostMemory: false)
            let whole = try problem.block().prepared(for: problem.shape, on: session, strategy: .staged).plan
            layer.reset()
            let before = layer.bufferBytes
            let limit = whole.peakMemory / part
            let prepared = try problem.block().prepared(
                for: problem.shape, on: session, strategy: .staged, memoryLimit: limit)
            _ = try prepared(problem.input())
            #expect(
                layer.mostBufferBytes - before <= limit, "\(layer.mostBufferBytes - before), limit \(limit)")
        }
    }
}

/// Bytes of this process in memory.
private func residentBytes() -> Int {
    let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
    return (fields.flatMap { $0.count > 1 ? Int($0[1]) : nil } ?? 0) * 4096
}
