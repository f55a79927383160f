import Testing

@testable import NonLocal

/// Costs that follow from shapes, beside numbers that others have published.
@Suite struct BlockCostTests {
    /// A row of the table of costs: a stage's x, and 10⁹ multiply-adds by the order of pooling.
    struct Stage: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let channels: Int
        let side: Int
        let pairs: (queries: Int, keys: Int)
        let poolFirst: Double
        let convFirst: Double
        let unpooled: Double
        let parameters: Int

        func cost(_ subsample: Subsample, frames: Int = 4, pairwise: Pairwise = .embeddedGaussian) throws
            -> BlockCost
        {
            try BlockCost(
                of: .init(channels: channels, pairwise: pairwise, subsample: subsample),
                shape: [1, channels, frames, side, side])
        }
    }

    static let stages = [
        Stage(
            testDescription: "res2", channels: 256, side: 56, pairs: (12544, 3136), poolFirst: 11.10,
            convFirst: 11.71, unpooled: 41.93, parameters: 132_224),
        Stage(
            testDescription: "res3", channels: 512, side: 28, pairs: (3136, 784), poolFirst: 2.286,
            convFirst: 2.903, unpooled: 6.679, parameters: 526_592),
        Stage(
            testDescription: "res4", channels: 1024, side: 14, pairs: (784, 196), poolFirst: 1.185,
            convFirst: 1.801, unpooled: 2.274, parameters: 2_101_760),
        Stage(
            testDescription: "res5", channels: 2048, side: 7, pairs: (196, 36), poolFirst: 0.988,
            convFirst: 1.659, unpooled: 1.723, parameters: 8_397_824),
    ]

    @Test(arguments: stages) func stagesCostWhatTheTableSays(_ stage: Stage) throws {
        let printed: [(Subsample, Double)] = [
            (.poolFirst, stage.poolFirst), (.convFirst, stage.convFirst), (.none, stage.unpooled),
        ]
        for (subsample, billions) in printed {
            let cost = try stage.cost(subsample)
            // Within one of the last digit that is printed: some are rounded, some cut off.
            let step = billions < 10 ? 0.001 : 0.01
            #expect(abs(cost.multiplyAdds / 1e9 - billions) < step, "\(subsample): \(cost.multiplyAdds)")
            #expect(cost.operations == 2 * cost.multiplyAdds)
            #expect(cost.parameters == stage.parameters)
        }
        let pooled = try stage.cost(.poolFirst)
        #expect((pooled.queries, pooled.keys) == stage.pairs)
        #expect(pooled.affinityBytes == 4 * Double(stage.pairs.queries * stage.pairs.keys))
    }

    /// The paper's table 2e prints 1.2 × FLOPs and 1.2 × parameters for five blocks on ResNet-101.
    @Test func fiveBlocksCostAFifthMore() throws {
        let (res3, res4) = (try Self.stages[1].cost(.poolFirst), try Self.stages[2].cost(.poolFirst))
        let multiplyAdds = 2 * res3.multiplyAdds + 3 * res4.multiplyAdds
        let parameters = Double(2 * res3.parameters + 3 * res4.parameters)
        #expect(abs(1 + multiplyAdds / 34.2e9 - 1.238) < 0.0005)
        #expect(abs(1 + parameters / 43.2e6 - 1.170) < 0.0005)
    }

    /// mmaction2 publishes the cost of TSM with and without five blocks that see 8 frames.
    @Test(arguments: [(Pairwise.embeddedGaussian, 28.42), (.gaussian, 26.18)])
    func othersCountTheSame(_ pairwise: Pairwise, _ billions: Double) throws {
        let res3 = try Self.stages[1].cost(.convFirst, frames: 8, pairwise: pairwise)
        let res4 = try Self.stages[2].cost(.convFirst, frames: 8, pairwise: pairwise)
        let sum = (2 * res3.multiplyAdds + 3 * res4.multiplyAdds) / 1e9
        #expect(abs(sum - billions) < 0.03, "\(sum)")
    }

    /// What a block's own weights hold is what is counted, in every form.
    @Test(arguments: [Pairwise.gaussian, .embeddedGaussian, .dotProduct, .concatenation], [true, false])
    func parametersAreThoseOfTheWeights(_ pairwise: Pairwise, _ norm: Bool) throws {
        let configuration = NonLocalBlock.Configuration(
            channels: 10, innerChannels: 3, valueChannels: 4, pairwise: pairwise)
        let weights = try BlockWeights.random(for: configuration, seed: 1, batchNorm: norm)
        var count = 0
        for projection in [weights.theta, weights.phi, weights.g, weights.output].compactMap(\.self) {
            count += projection.weight.count + (projection.bias?.count ?? 0)
        }
        count += weights.pairwise?.weight.count ?? 0
        if case .batchNorm(let scale, let shift, _, _, _) = weights.norm {
            count += scale.count + shift.count
        }
        let cost = try BlockCost(of: configuration, shape: [2, 10, 6, 7], norm: norm)
        #expect(cost.parameters == count)
        let bare = try BlockCost(of: configuration, shape: [2, 10, 6, 7], biases: false, norm: norm)
        #expect(cost.parameters - bare.parameters == (pairwise == .gaussian ? 0 : 6) + 4 + 10)
        #expect(cost.pairBytes == (pairwise == .concatenation ? 4 * 2 * 42 * 42 * 6 : 0))
    }

    /// 629 MB for each clip at res4, 5 GB at res3.
    @Test(arguments: [(1, 5.03e9), (2, 0.629e9)])
    func pairsOfTheConcatenationForm(_ stage: Int, _ bytes: Double) throws {
        let cost = try Self.stages[stage].cost(.poolFirst, pairwise: .concatenation)
        #expect(abs(cost.pairBytes / bytes - 1) < 0.005, "\(cost.pairBytes)")
    }

    /// Each frame, and each pixel's column, has its own affinities.
    @Test(arguments: [(Scope.space, 4 * 30 * 30, 30), (.time, 30 * 4 * 4, 4), (.spacetime, 120 * 120, 120)])
    func scopesCompareLess(_ scope: Scope, _ pairs: Int, _ keys: Int) throws {
        let cost = try BlockCost(of: .init(channels: 6, scope: scope), shape: [3, 6, 4, 5, 6])
        #expect(cost.affinityBytes == Double(3 * 4 * pairs))
        #expect(cost.keys == keys)
        let affinity = try #require(cost.steps.first { $0.name == "affinity" })
        #expect(affinity.multiplyAdds == Double(3 * pairs * 3))
    }

    @Test(arguments: [[1, 5, 4, 4], [1, 6], [1, 6, 0]]) func otherShapesAreRefused(_ shape: [Int]) throws {
        _ = failure(.shape) { _ = try BlockCost(of: .init(channels: 6), shape: shape) }
    }

    @Test func weightsTooLargeToCountAreRefused() {
        let most = Int(Int32.max)
        _ = failure(.shape) {
            _ = try BlockCost(of: .init(channels: most, innerChannels: most), shape: [1, most, 1])
        }
    }
}
