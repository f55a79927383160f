import SwiftOpenCL
import Testing

@testable import NonLocal

/// The concatenation form by sorting on the tile kernels, every position compared with the reference.
@Suite(.needsDevice) struct TileSortedTests {
    private static func small() throws -> GroupTile {
        try #require(GroupTile.candidates(TestDevice.session().device).last)
    }

    @Test(arguments: SortedStrategyTests.problems)
    func matches(_ problem: BlockCase) throws {
        let (block, session, x) = (try problem.block(), try TestDevice.session(), try problem.input())
        for tile in [try Self.small(), GroupTile.candidates(session.device)[0]] {
            let prepared = try block.prepared(
                for: problem.shape, on: session, kernels: .tile, groupTile: tile)
            #expect(prepared.plan.strategy == .sorted && prepared.plan.kernels == .tile)
            #expect(prepared.plan.notes.isEmpty, "\(prepared.plan)")
            let z = try prepared(x)
            expectSameBits(try prepared(x).elements, z.elements, "a second time")
            let count = x.count / problem.shape[0] / problem.configuration.channels
            _ = try prepared.run(x, queries: Array(Set([0, 3, count - 1])).filter { $0 < count })
            if problem.configuration.subsample == .none { _ = try prepared.attention(x, queries: [0]) }
        }
    }

    /// Around the work-groups of 64 channels and queries, parts of 16 and 17 keys, and runs of 512.
    @Test(arguments: [1, 2, 15, 16, 17, 63, 64, 65, 127, 511, 512, 513, 1023, 1025, 1537, 2049])
    func positions(_ count: Int) throws {
        for values in [1, 63, 65] {
            let problem = SortedStrategyTests.concatenation([2, 3, count], value: values)
            let prepared = try problem.block().prepared(
                for: problem.shape, on: TestDevice.session(), kernels: .tile, groupTile: Self.small())
            #expect(prepared.plan.strategy == .sorted)
            _ = try prepared(problem.input())
        }
    }

    /// With a and b far larger than their steps, sums of b_j g_j in float32 would keep three digits.
    @Test func largeScoresOverManyKeys() throws {
        for (theta, phi) in [(-1, 1), (1, -1), (1, 1)] as [(Float, Float)] {
            try check(
                theta: .normal(shape: [1, 1, 16], seed: 1).map { theta * 1000 + $0 },
                phi: .normal(shape: [1, 1, 25_013], seed: 2).map { phi * 1000 + $0 })
        }
    }

    /// As many terms of one sign as there are keys: their running sums are far larger than each.
    @Test func sumsOfManyTermsOfOneSign() throws {
        try check(
            theta: .normal(shape: [1, 1, 16], seed: 1), phi: .normal(shape: [1, 1, 40_003], seed: 2),
            positive: true)
    }

    private func check(theta: Tensor<Float>, phi: Tensor<Float>, positive: Bool = false) throws {
        let keys = phi.count
        let g = try Tensor<Float>.normal(shape: [1, 3, keys], seed: 3).map { positive ? $0.magnitude : $0 }
        let operation = NonLocalOperation(
            pairwise: .concatenation,
            pairwiseWeight: .init(weight: try Tensor(shape: [2], elements: [1, 1])))
        let prepared = try operation.prepared(
            for: OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
            on: TestDevice.session(), strategy: .sorted, kernels: .tile, validation: .off)
        let y = try prepared(theta: theta, phi: phi, g: g).elements
        let expected = PlainFormulas.concatenation(a: theta, b: phi, g: g)
        let largest = expected.reduce(0) { max($0, $1.magnitude) }
        // a + b_k, G and F are rounded, their product and sum, and the quotient.
        expectClose(y, expected) { _ in 4 * Tolerance.rounding * largest }
    }

    @Test(arguments: [0, 1, -1, 1e4, -1e4, 3e18, 0x1p-110] as [Float])
    func equalAndExtremeScores(_ value: Float) throws {
        let operation = NonLocalOperation(
            pairwise: .concatenation,
            pairwiseWeight: .init(weight: try Tensor(shape: [4], elements: [1, 1, 1, -1])))
        let theta = try Tensor<Float>(repeating: value, shape: [2, 2, 19])
        let phi = try Tensor<Float>.normal(shape: [2, 2, 23], deviation: Double(value.magnitude), seed: 1)
        let g = try Tensor<Float>.normal(shape: [2, 17, 23], seed: 2)
        let prepared = try operation.prepared(
            for: OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
            on: TestDevice.session(), strategy: .sorted, kernels: .tile)
        #expect(try prepared(theta: theta, phi: phi, g: g).elements.allSatisfy { $0.isFinite })
    }

    /// b is so large that the step from the first to the second one is beyond float32.
    @Test func stepsThatOverflow() throws {
        let operation = NonLocalOperation(
            pairwise: .concatenation,
            pairwiseWeight: .init(weight: try Tensor(shape: [2], elements: [1, 1])))
        let theta = try Tensor<Float>(shape: [1, 1, 2], elements: [-1e38, -3.2e38])
        let phi = try Tensor<Float>(shape: [1, 1, 3], elements: [-3e38, 3e38, -3.1e38])
        let g = try Tensor<Float>(shape: [1, 1, 3], elements: [1, 1, 1])
        let prepared = try operation.prepared(
            for: OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
            on: TestDevice.session(), strategy: .sorted, kernels: .tile)
        let y = try prepared(theta: theta, phi: phi, g: g).elements
        #expect(y[1] == 0 && (y[0] / 0.666_666_7e38 - 1).magnitude < 1e-6)
    }

    /// A NaN in a ends in its own y, one in b in all.
    @Test func aNaNStaysWhereTheFormulasPutIt() throws {
        let operation = NonLocalOperation(
            pairwise: .concatenation,
            pairwiseWeight: .init(weight: try Tensor(shape: [2], elements: [1, 1])))
        let sound = try Tensor<Float>.normal(shape: [1, 1, 40], seed: 1)
        var values = sound.elements
        values[7] = .nan
        let damaged = try Tensor<Float>(shape: [1, 1, 40], elements: values)
        let shape = try OperationShape(operation, theta: sound.shape, phi: sound.shape, g: sound.shape)
        let prepared = try PreparedOperation(
            operation, shape, session: TestDevice.session(),
            options: RunOptions(
                strategy: .sorted, kernels: .tile, groupTile: Self.small(), validation: .off,
                allowsNonFinite: true))
        let one = try prepared(theta: damaged, phi: sound, g: sound).elements
        #expect(one.indices.allSatisfy { one[$0].isNaN == ($0 == 7) })
        #expect(try prepared(theta: sound, phi: damaged, g: sound).elements.allSatisfy { $0.isNaN })
    }

    @Test func theLimitDecides() throws {
        let problem = SortedStrategyTests.concatenation([2, 4, 400])
        let (block, session, x) = (try problem.block(), try TestDevice.session(), try problem.input())
        func prepared(_ strategy: Strategy, _ limit: Int?) throws -> PreparedBlock {
            try block.prepared(
                for: problem.shape, on: session, strategy: strategy, kernels: .tile, memoryLimit: limit,
                groupTile: Self.small())
        }
        let plan = try prepared(.sorted, nil).plan
        #expect(plan.allocations.reduce(0) { $0 + $1.bytes } == plan.peakMemory)
        let cut = try prepared(.sorted, plan.peakMemory - 4)
        #expect(cut.plan.itemsPerSlice == 1 && cut.plan.peakMemory < plan.peakMemory)
        expectSameBits(try cut(x).elements, try prepared(.sorted, nil)(x).elements)
        _ = failure(.memory) { _ = try prepared(.sorted, cut.plan.peakMemory - 4) }
        #expect(try prepared(.automatic, cut.plan.peakMemory - 4).plan.strategy == .staged)
    }

    @Test func theWarpClassSortsToo() throws {
        let problem = SortedStrategyTests.concatenation([1, 4, 70])
        let prepared = try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), kernels: .warp)
        #expect(prepared.plan.strategy == .sorted && prepared.plan.kernels == .tile)
        _ = try prepared(problem.input())
    }
}
