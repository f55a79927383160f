import NonLocal
import Testing

@Suite struct RandomWeightsTests {
    static let pairwise: [Pairwise] = [
        .gaussian, .embeddedGaussian, .dotProduct, .concatenation,
        .generic(.outerSum, weight: .exp(.score), normalizer: .sum),
        .generic(.negativeSquaredDistance, weight: .score, normalizer: .softmax),
    ]

    @Test func splitMix64GivesItsPublishedSequence() {
        var generator = SplitMix64(seed: 1_234_567)
        #expect(generator.next() == 6_457_827_717_110_365_317)
        #expect(generator.next() == 3_203_168_211_198_807_973)
        #expect(generator.next() == 9_817_491_932_198_370_423)
    }

    @Test(arguments: pairwise, [true, false])
    func areValid(pairwise: Pairwise, batchNorm: Bool) throws {
        let configuration = NonLocalBlock.Configuration(
            channels: 6, innerChannels: 4, valueChannels: 5, pairwise: pairwise)
        for zero in [true, false] {
            let weights = try BlockWeights.random(
                for: configuration, seed: 3, zeroInitialized: zero, batchNorm: batchNorm)
            try weights.validate(for: configuration)
            if case .batchNorm(let scale, _, _, _, _) = weights.norm {
                #expect(batchNorm && scale.elements == Array(repeating: zero ? 0 : 1, count: 6))
            } else {
                #expect(!batchNorm && weights.output.weight.elements.allSatisfy { $0 == 0 } == zero)
            }
        }
    }

    @Test func dependOnTheSeedAlone() throws {
        let configuration = NonLocalBlock.Configuration(channels: 8)
        let weights = try (0..<3).map { try BlockWeights.random(for: configuration, seed: UInt64($0 / 2)) }
        #expect(weights[0].theta?.weight == weights[1].theta?.weight)
        #expect(weights[0].g.weight == weights[1].g.weight)
        #expect(weights[0].g.weight != weights[2].g.weight)
        #expect(weights[0].theta?.weight != weights[0].phi?.weight)
    }

    @Test func haveHesDeviation() throws {
        let weights = try BlockWeights.random(
            for: .init(channels: 256, innerChannels: 128), seed: 1, zeroInitialized: false)
        // 32,768 numbers: the deviation of their variance is √(2 / 32768), 0.8%.
        for (weight, fanIn) in [(weights.g.weight, 256.0), (weights.output.weight, 128)] {
            let values = weight.elements.map(Double.init)
            let variance = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
            #expect(abs(variance * fanIn / 2 - 1) < 0.04)
            #expect(abs(values.reduce(0, +) / Double(values.count)) < 0.003)
        }
    }

    @Test func normalHasItsMeanAndDeviation() throws {
        let tensor = try Tensor<Float>.normal(shape: [101, 99], mean: 3, deviation: 0.5, seed: 9)
        let values = tensor.elements.map(Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        #expect(abs(mean - 3) < 0.025)
        #expect(abs(variance - 0.25) < 0.018)
        #expect(try Tensor<Float>.normal(shape: [101, 99], mean: 3, deviation: 0.5, seed: 9) == tensor)
        _ = failure(.shape) { _ = try Tensor<Float>.normal(shape: [-1], seed: 0) }
    }

    @Test func impossibleChannelsAreErrors() {
        for channels in [-1, .max, .min] {
            _ = failure(.shape) { _ = try BlockWeights.random(for: .init(channels: channels), seed: 0) }
        }
        _ = failure(.memory) {
            _ = try BlockWeights.random(for: .init(channels: 1, innerChannels: .max), seed: 0)
        }
    }
}

@Suite struct ValidationOfWeightsTests {
    private static let configuration = NonLocalBlock.Configuration(
        channels: 6, innerChannels: 4, valueChannels: 5, pairwise: .concatenation)

    private struct Fault: Sendable, CustomTestStringConvertible {
        var code: NonLocalError.Code = .weights
        var says: String
        var damage: @Sendable (inout BlockWeights) throws -> Void
        var testDescription: String { says }
    }

    private static let faults: [Fault] = [
        Fault(says: "needs theta") { $0.theta = nil },
        Fault(says: "needs phi") { $0.phi = nil },
        Fault(says: "needs theta") { ($0.theta, $0.phi) = (nil, nil) },
        Fault(says: "needs the pairwise weight w_f") { $0.pairwise = nil },
        Fault(says: "theta has the shape [4, 5], the block needs [4, 6]") {
            $0.theta?.weight = try Tensor(repeating: 0, shape: [4, 5])
        },
        Fault(says: "bias of phi has the shape [3]") { $0.phi?.bias = try Tensor(repeating: 0, shape: [3]) },
        Fault(says: "g has the shape [6, 5]") { $0.g.weight = try Tensor(repeating: 0, shape: [6, 5]) },
        Fault(says: "W_z has the shape [5, 6]") {
            $0.output.weight = try Tensor(repeating: 0, shape: [5, 6])
        },
        Fault(says: "w_f has the shape [4]") { $0.pairwise?.weight = try Tensor(repeating: 0, shape: [4]) },
        Fault(says: "batch norm after W_z has the shape [5]") { try $0.setNorm(variance: [1, 1, 1, 1, 1]) },
        Fault(says: "variance of the batch norm has a negative") {
            try $0.setNorm(variance: [1, 1, -1, 1, 1, 1])
        },
        Fault(code: .nonFinite, says: "variance of the batch norm has a NaN") {
            try $0.setNorm(variance: [1, .nan, 1, 1, 1, 1])
        },
        Fault(says: "epsilon of the batch norm is -1.0") { try $0.setNorm(epsilon: -1) },
        Fault(says: "epsilon of the batch norm is nan") { try $0.setNorm(epsilon: .nan) },
        Fault(says: "4 groups don't divide 6") { try $0.setGroupNorm(groups: 4) },
        Fault(says: "0 groups don't divide 6") { try $0.setGroupNorm(groups: 0) },
        Fault(says: "-2 groups don't divide 6") { try $0.setGroupNorm(groups: -2) },
        Fault(says: "group norm has the shape [5]") { try $0.setGroupNorm(channels: 5) },
        Fault(code: .nonFinite, says: "weight of theta has a NaN") {
            $0.theta?.weight = try Tensor(repeating: .infinity, shape: [4, 6])
        },
        Fault(code: .nonFinite, says: "w_f is nan") { $0.pairwise?.bias = .nan },
    ]

    @Test(arguments: faults)
    private func findsThe(fault: Fault) throws {
        var weights = try BlockWeights.random(for: Self.configuration, seed: 1)
        try fault.damage(&weights)
        let error = failure(fault.code) { try weights.validate(for: Self.configuration) }
        #expect(error?.message.contains(fault.says) == true, "\(String(describing: error))")
    }

    @Test func acceptsWhatIsNotNeeded() throws {
        var configuration = Self.configuration
        var weights = try BlockWeights.random(for: configuration, seed: 1)
        for pairwise in [.gaussian, .embeddedGaussian, .dotProduct] as [Pairwise] {
            configuration.pairwise = pairwise
            try weights.validate(for: configuration)
        }
        // The generic form compares x itself, with all its channels, where there is no θ and φ.
        (weights.theta, weights.phi) = (nil, nil)
        weights.pairwise?.weight = try Tensor(repeating: 0, shape: [12])
        for score in Pairwise.Score.allCases {
            configuration.pairwise = .generic(score, weight: .score, normalizer: .count)
            try weights.validate(for: configuration)
        }
        weights.norm = .affine(
            scale: try Tensor(repeating: 0, shape: [6]), shift: try Tensor(repeating: 0, shape: [6]))
        try weights.setGroupNorm(groups: 3)
        try weights.validate(for: configuration)
    }
}

extension BlockWeights {
    fileprivate mutating func setNorm(
        variance: [Float] = [1, 1, 1, 1, 1, 1], epsilon: Double = 1e-5
    ) throws {
        let ones = try Tensor<Float>(repeating: 1, shape: [6])
        norm = .batchNorm(
            scale: ones, shift: ones, mean: ones,
            variance: try Tensor(shape: [variance.count], elements: variance),
            epsilon: epsilon)
    }

    fileprivate mutating func setGroupNorm(groups: Int = 3, channels: Int = 6) throws {
        let ones = try Tensor<Float>(repeating: 1, shape: [channels])
        groupNorm = GroupNorm(groups: groups, scale: ones, shift: ones)
    }
}
