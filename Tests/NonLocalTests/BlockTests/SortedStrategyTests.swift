import Testing

@testable import NonLocal

/// The concatenation form by sorting, every position compared with the reference.
@Suite(.needsSorting) struct SortedStrategyTests {
    static func concatenation(
        _ shape: [Int], biases: Bool = true, normGroups: Int = 0, deviation: Double = 1, value: Int? = nil,
        layout: Layout = .channelsFirst, _ change: (inout NonLocalBlock.Configuration) -> Void = { _ in }
    ) -> BlockCase {
        BlockCase(
            shape, biases: biases, norm: .batchNorm, normGroups: normGroups, deviation: deviation,
            value: value, layout: layout
        ) {
            $0.pairwise = .concatenation
            change(&$0)
        }
    }

    static let problems: [BlockCase] = {
        var problems: [BlockCase] = []
        for subsample in Subsample.allCases {
            for scope in Scope.allCases {
                for (layout, shape) in [
                    (Layout.channelsFirst, [2, 6, 3, 5, 7]), (.channelsLast, [2, 3, 5, 7, 6]),
                ] {
                    problems.append(
                        concatenation(shape, normGroups: layout == .channelsLast ? 2 : 0, layout: layout) {
                            $0.subsample = subsample
                            $0.scope = scope
                        })
                }
            }
            problems.append(
                concatenation([2, 40, 101], value: 33) {
                    $0.subsample = subsample
                    $0.pool = .flat(3)
                })
        }
        return problems + [
            concatenation([1, 2, 1]), concatenation([3, 300, 17], biases: false),
            concatenation([1, 8, 1009], deviation: 1e4), concatenation([1, 2, 131], value: 256),
        ]
    }()

    @Test(arguments: problems)
    func matches(_ problem: BlockCase) throws {
        let (block, session) = (try problem.block(), try TestDevice.session())
        let x = try problem.input()
        let prepared = try block.prepared(for: problem.shape, on: session)
        #expect(prepared.plan.strategy == .sorted)
        let z = try prepared(x)
        expectSameBits(try prepared(x).elements, z.elements, "a second time")
        let staged = try block.prepared(for: problem.shape, on: session, strategy: .staged)
        let largest = z.elements.reduce(0) { max($0, Double($1.magnitude)) }
        expectClose(z.elements, try staged(x).elements.map(Double.init), "staged") { _ in
            Tolerances.sameFormula(largest: largest)
        }
        let queries = Array(Set([0, 3, x.count / problem.shape[0] / problem.configuration.channels - 1]))
            .filter { $0 < x.count / problem.shape[0] / problem.configuration.channels }
        _ = try prepared.run(x, queries: queries)
        if problem.configuration.subsample == .none { _ = try prepared.attention(x, queries: [0]) }
    }

    /// With a and b far larger than their steps, sums of b_j g_j in float32 would keep three digits.
    @Test func largeScoresOverManyKeys() throws {
        let keys = 25_013, rows = 16
        let operation = NonLocalOperation(
            pairwise: .concatenation,
            pairwiseWeight: .init(weight: try Tensor(shape: [2], elements: [1, 1])))
        func scores(_ count: Int, _ sign: Float) throws -> Tensor<Float> {
            let values = try Tensor<Float>.normal(shape: [1, 1, count], seed: UInt64(count))
            return try values.map { sign * 1000 + $0 }
        }
        for (theta, phi) in [(-1, 1), (1, -1), (1, 1)] as [(Float, Float)] {
            let theta = try scores(rows, theta), phi = try scores(keys, phi)
            let g = try Tensor<Float>.normal(shape: [1, 3, keys], seed: 3)
            let prepared = try operation.prepared(
                for: OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
                on: TestDevice.session(), strategy: .sorted, validation: .off)
            let y = try prepared(theta: theta, phi: phi, g: g).elements
            let expected = PlainFormulas.concatenation(a: theta, b: phi, g: g)
            let largest = expected.reduce(0) { max($0, $1.magnitude) }
            expectClose(y, expected) { _ in 2 * Tolerance.rounding * largest }
        }
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
            on: TestDevice.session(), strategy: .sorted)
        let y = try prepared(theta: theta, phi: phi, g: g).elements
        #expect(y.allSatisfy { $0.isFinite })
    }

    /// A product of weights beyond float32, where θ and its score are not.
    @Test func weightsWhoseProductOverflows() throws {
        let problem = Self.concatenation([1, 4, 9]) { $0.residual = true }
        var weights = try problem.weights()
        weights.theta = .init(weight: try Tensor(repeating: 1e30, shape: [2, 4]), bias: nil)
        weights.pairwise = .init(weight: try Tensor(repeating: 1e20, shape: [4]))
        let block = try NonLocalBlock(problem.configuration, weights: weights)
        let x = try Tensor<Float>(repeating: 0, shape: problem.shape)
        let z = try block.prepared(for: problem.shape, on: TestDevice.session(), strategy: .sorted)(x)
        #expect(z.elements.allSatisfy { $0.isFinite })
    }

    @Test func theLimitDecides() throws {
        let problem = Self.concatenation([2, 4, 400])
        let block = try problem.block()
        let session = try TestDevice.session()
        let plan = try block.prepared(for: problem.shape, on: session).plan
        #expect(plan.allocations.reduce(0) { $0 + $1.bytes } == plan.peakMemory)
        let cut = try block.prepared(
            for: problem.shape, on: session, strategy: .sorted, memoryLimit: plan.peakMemory - 4)
        #expect(cut.plan.itemsPerSlice == 1 && cut.plan.peakMemory < plan.peakMemory)
        let x = try problem.input()
        expectSameBits(try cut(x).elements, try block.prepared(for: problem.shape, on: session)(x).elements)
        _ = failure(.memory) {
            _ = try block.prepared(
                for: problem.shape, on: session, strategy: .sorted, memoryLimit: cut.plan.peakMemory - 4)
        }
    }

    @Test func thePlanSaysWhatIsExecuted() throws {
        let problem = Self.concatenation([2, 6, 3, 4])
        func plan(_ strategy: Strategy, _ subsample: Subsample = .none) throws -> Plan {
            try BlockCase(problem.shape) {
                $0.pairwise = .concatenation
                $0.subsample = subsample
            }.prepared(strategy)
        }
        let (sorted, staged) = try (plan(.sorted), plan(.staged))
        #expect(sorted.textbookOperations == staged.textbookOperations)
        // a and b, g and W_z, then three operations a channel of each of 2 · 12 scores.
        #expect(sorted.executedOperations == Double(2 * 12 * (2 * 2 * 6 + 2 * 2 * 3 * 6) + 2 * 24 * 3 * 3))
        #expect(
            sorted.steps.map(\.name) == [
                "projection a", "projection b", "projection g", "sort", "sorted_aggregate", "projection W_z",
            ])
        let pooled = try plan(.sorted, .convFirst)
        #expect(
            pooled.steps.map(\.name) == [
                "projection a", "projection φ", "projection g", "max_pool", "projection w_f", "sort",
                "sorted_aggregate", "projection W_z",
            ])
    }

    @Test func otherFormsAreNotSorted() throws {
        for pairwise in PairwiseFormTests.named.dropLast() + PairwiseFormTests.generic {
            let problem = BlockCase([1, 4, 9]) { $0.pairwise = pairwise }
            let error = failure(.configuration) { _ = try problem.prepared(.sorted) }
            #expect(error?.message == "the sorted strategy computes the concatenation form only")
        }
        let error = failure(.configuration) { _ = try Self.concatenation([1, 4, 9]).prepared(.fused) }
        #expect(error?.message == "the fused strategy computes a softmax of dot products only")
    }
}

extension BlockCase {
    fileprivate func prepared(_ strategy: Strategy) throws -> Plan {
        try block().prepared(for: shape, on: TestDevice.session(), strategy: strategy).plan
    }
}
