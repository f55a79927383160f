import Dispatch
import Foundation
import Testing

@testable import NonLocal

/// Threads that share blocks and devices get the results that they get alone.
@Suite(.needsDevice) struct ConcurrencyTests {
    private let threads = 6

    /// Runs `body` on several threads at once and expects of each call the same bits.
    private func concurrently(
        rounds: Int = 3, expecting expected: (Int) -> [Float], _ body: @Sendable (Int) throws -> [Float]
    ) {
        let results = Results()
        DispatchQueue.concurrentPerform(iterations: threads * rounds) { index in
            results.add(index, Result { try body(index) })
        }
        for (index, result) in results.all.sorted(by: { $0.key < $1.key }) {
            switch result {
            case .success(let values): expectSameBits(values, expected(index), "call \(index)")
            case .failure(let error): Issue.record("call \(index): \(error)")
            }
        }
        #expect(results.all.count == threads * rounds)
    }

    @Test func onePreparedBlock() throws {
        let problem = BlockCase([2, 4, 9, 9], normGroups: 2)
        let prepared = try problem.prepared(on: .opencl)
        let inputs = try (0..<6).map { try problem.input(seed: UInt64($0)) }
        let expected = try inputs.map { try prepared($0).elements }
        concurrently(expecting: { expected[$0 % 6] }) { try prepared(inputs[$0 % 6]).elements }
    }

    /// Whole results, chosen queries and maps in turn.
    @Test func onePreparedBlockInSeveralWays() throws {
        let problem = BlockCase([2, 4, 67])
        let prepared = try problem.prepared(on: .opencl)
        let x = try problem.input()
        let ways: [@Sendable () throws -> [Float]] = [
            { try prepared(x).elements }, { try prepared.run(x, queries: [66, 0, 5]).output.elements },
            { try prepared.attention(x).elements }, { try prepared.attention(x, queries: [3]).elements },
        ]
        let expected = try ways.map { try $0() }
        concurrently(expecting: { expected[$0 % 4] }) { try ways[$0 % 4]() }
    }

    /// More shapes than a block keeps prepared.
    @Test func oneBlockWithSeveralShapes() throws {
        let block = try BlockCase([1, 4, 5]).block()
        let inputs = try (0..<6).map {
            try Tensor<Float>.normal(shape: [1, 4, 5 + 13 * $0], seed: UInt64($0))
        }
        let expected = try inputs.map { try block(x: $0) }
        concurrently(rounds: 4, expecting: { expected[$0 % 6] }) { try block(x: inputs[$0 % 6]) }
    }

    @Test func severalBlocksOnOneDevice() throws {
        let problems = [
            BlockCase([1, 4, 40]), BlockCase([2, 3, 5, 7]) { $0.pairwise = .concatenation },
            BlockCase([1, 6, 50]) { $0.pairwise = .dotProduct },
            BlockCase([1, 4, 8, 8]) { $0.subsample = .convFirst },
            BlockCase([1, 4, 3, 4, 5]) { $0.scope = .space }, BlockCase([1, 4, 33], normGroups: 2),
        ]
        // In one session, with one queue.
        let prepared = try problems.map { try $0.prepared(on: .opencl) }
        let inputs = try problems.map { try $0.input() }
        let expected = try zip(prepared, inputs).map { try $0($1).elements }
        concurrently(expecting: { expected[$0 % 6] }) { try prepared[$0 % 6](inputs[$0 % 6]).elements }
        // Each in a session of its own.
        let blocks = try problems.map { try $0.block() }
        concurrently(rounds: 2, expecting: { expected[$0 % 6] }) { try blocks[$0 % 6](x: inputs[$0 % 6]) }
    }

    /// Programs are built once, whoever asks first.
    @Test func preparingAtTheSameTime() throws {
        let session = try TestDevice.session(overriding: [:])
        let problem = BlockCase([1, 4, 21])
        let block = try problem.block()
        let x = try problem.input()
        let expected = try problem.prepared(on: .opencl)(x).elements
        concurrently(rounds: 1, expecting: { _ in expected }) { _ in
            try block.prepared(for: problem.shape, on: session)(x).elements
        }
    }

    @Test func severalTasks() async throws {
        let problem = BlockCase([1, 4, 30])
        let prepared = try problem.prepared(on: .opencl)
        let inputs = try (0..<4).map { try problem.input(seed: UInt64($0)) }
        let expected = try inputs.map { try prepared($0).elements }
        try await withThrowingTaskGroup(of: (Int, [Float]).self) { group in
            for index in 0..<12 { group.addTask { (index, try prepared(inputs[index % 4]).elements) } }
            for try await (index, values) in group {
                expectSameBits(values, expected[index % 4], "task \(index)")
            }
        }
    }
}

extension NonLocalBlock {
    fileprivate func callAsFunction(x: Tensor<Float>) throws -> [Float] {
        try self(x, backend: .opencl).elements
    }
}

/// What several threads have got.
private final class Results: @unchecked Sendable {
    private let lock = NSLock()
    private var results: [Int: Result<[Float], any Error>] = [:]

    var all: [Int: Result<[Float], any Error>] { lock.withLock { results } }

    func add(_ index: Int, _ result: Result<[Float], any Error>) { lock.withLock { results[index] = result } }
}
