import Testing

@testable import NonLocal

/// Both orders of sub-sampling with pools of all kinds.
@Suite(.needsDevice) struct SubsamplingTests {
    struct Pooling: CustomTestStringConvertible, Sendable {
        let shape: [Int]
        let pool: Pool
        var scope = Scope.spacetime
        /// Key positions of a group that are left.
        let keys: Int

        var testDescription: String { "\(shape) by \(pool), \(scope.rawValue)" }
    }

    static let poolings = [
        Pooling(shape: [2, 3, 2], pool: .standard, keys: 1),
        Pooling(shape: [1, 3, 7], pool: .standard, keys: 3),
        Pooling(shape: [1, 3, 129], pool: .standard, keys: 64),
        Pooling(shape: [1, 3, 13], pool: .window(t: 1, h: 1, w: 5), keys: 2),
        Pooling(shape: [2, 3, 7, 7], pool: .standard, keys: 9),
        Pooling(shape: [1, 3, 5, 6], pool: .window(t: 1, h: 3, w: 2), keys: 3),
        Pooling(shape: [1, 3, 5, 6], pool: .window(t: 1, h: 5, w: 6), keys: 1),
        Pooling(shape: [1, 3, 5, 6], pool: .window(t: 1, h: 1, w: 1), keys: 30),
        Pooling(shape: [2, 3, 3, 4, 5], pool: .standard, keys: 12),
        Pooling(shape: [1, 3, 3, 4, 5], pool: .window(t: 2, h: 1, w: 3), keys: 4),
        Pooling(shape: [2, 3, 11], pool: .flat(2), keys: 5),
        Pooling(shape: [1, 3, 3, 5], pool: .flat(4), keys: 3),
        Pooling(shape: [1, 3, 2, 3, 3], pool: .flat(2), keys: 9),
        Pooling(shape: [1, 3, 2, 3, 3], pool: .flat(1), keys: 18),
        Pooling(shape: [2, 3, 3, 4, 5], pool: .standard, scope: .space, keys: 4),
        Pooling(shape: [1, 3, 3, 4, 5], pool: .window(t: 1, h: 3, w: 1), scope: .space, keys: 5),
        Pooling(shape: [2, 3, 5, 2, 3], pool: .standard, scope: .time, keys: 2),
        Pooling(shape: [1, 3, 7, 2, 2], pool: .window(t: 3, h: 1, w: 1), scope: .time, keys: 2),
    ]

    @Test(arguments: poolings, [Subsample.convFirst, .poolFirst])
    func matches(_ pooling: Pooling, _ order: Subsample) throws {
        for pairwise in PairwiseFormTests.named {
            let problem = BlockCase(pooling.shape) {
                $0.pairwise = pairwise
                $0.subsample = order
                $0.pool = pooling.pool
                $0.scope = pooling.scope
            }
            try problem.check()
            #expect(try Geometry(problem.configuration, shape: problem.shape).keys.count == pooling.keys)
        }
    }

    @Test(arguments: poolings, [Subsample.convFirst, .poolFirst])
    func matchesUnderANormAndChannelsLast(_ pooling: Pooling, _ order: Subsample) throws {
        let shape = [pooling.shape[0]] + pooling.shape[2...] + [6]
        try BlockCase(shape, norm: .batchNorm, normGroups: 3, value: 5, layout: .channelsLast) {
            $0.subsample = order
            $0.pool = pooling.pool
            $0.scope = pooling.scope
        }.check()
    }

    /// The two orders give different results with the same weights, but for a pool of one.
    @Test func theOrderMatters() throws {
        func z(_ order: Subsample, _ pool: Pool) throws -> Tensor<Float> {
            let problem = BlockCase([1, 4, 6, 6]) {
                $0.subsample = order
                $0.pool = pool
            }
            return try problem.block().prepared(for: problem.shape, on: TestDevice.session())(problem.input())
        }
        #expect(try z(.convFirst, .standard) != z(.poolFirst, .standard))
        #expect(try z(.convFirst, .flat(1)) == z(.none, .standard))
        #expect(try z(.poolFirst, .window(t: 1, h: 1, w: 1)) == z(.none, .standard))
    }
}
