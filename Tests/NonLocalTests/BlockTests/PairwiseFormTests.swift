import Testing

@testable import NonLocal

/// Every pairwise function on OpenCL, every position compared with the reference.
@Suite(.needsDevice) struct PairwiseFormTests {
    static func weight(_ text: String) -> WeightExpression {
        (try? WeightExpression(text)) ?? .constant(.nan)
    }

    static let named: [Pairwise] = [.gaussian, .embeddedGaussian, .dotProduct, .concatenation]

    static let generic: [Pairwise] = [
        .generic(.dotProduct, weight: weight("max(s, 0)"), normalizer: .count),
        .generic(.dotProduct, weight: weight("s * s"), normalizer: .sum),
        .generic(.dotProduct, weight: weight("1 / (1 + exp(-s))"), normalizer: .sum),
        .generic(.dotProduct, weight: weight("log(1 + exp(min(s, 20)))"), normalizer: .none),
        .generic(.dotProduct, weight: .score, normalizer: .none),
        .generic(.dotProduct, weight: weight("s / 2"), normalizer: .softmax),
        .generic(.outerSum, weight: weight("abs(s) + 0.1"), normalizer: .sum),
        .generic(.outerSum, weight: .score, normalizer: .softmax),
        .generic(.outerSum, weight: weight("sqrt(abs(s))"), normalizer: .count),
        .generic(.negativeSquaredDistance, weight: .score, normalizer: .softmax),
        .generic(.negativeSquaredDistance, weight: weight("exp(s / 4)"), normalizer: .sum),
        .generic(.negativeSquaredDistance, weight: weight("1 / (1 - s)"), normalizer: .none),
        .generic(.negativeSquaredDistance, weight: weight("1 / (2 + abs(s))"), normalizer: .count),
    ]

    static let shapes = [[1, 6, 13], [2, 5, 3, 7], [3, 4, 2, 3, 5]]

    @Test(arguments: named + generic, shapes)
    func matches(_ pairwise: Pairwise, _ shape: [Int]) throws {
        try BlockCase(shape) { $0.pairwise = pairwise }.check()
        try BlockCase(shape, biases: false) {
            $0.pairwise = pairwise
            $0.residual = false
        }.check()
    }

    @Test(
        arguments: named.dropLast() + generic.filter { $0.formulation.score != .outerSum },
        [.inverseSquareRoot, .factor(0.3), .factor(-0.5), .factor(0)] as [Scale])
    func scales(_ pairwise: Pairwise, _ scale: Scale) throws {
        guard case .generic(let score, let weight, let normalizer) = pairwise else {
            return try check(pairwise, scale)
        }
        // A sum of weights that are all w(0) = 0 has no result, and 1 / (1 − s) no well-conditioned one where
        // a negative scale makes s positive.
        let isEmpty = scale == .factor(0) && normalizer == .sum && weight.evaluate(at: 0) == 0
        let hasPole = scale == .factor(-0.5) && score == .negativeSquaredDistance && normalizer == .none
        if !isEmpty, !hasPole { try check(pairwise, scale) }
    }

    private func check(_ pairwise: Pairwise, _ scale: Scale) throws {
        try BlockCase([2, 6, 11]) {
            $0.pairwise = pairwise
            $0.scale = scale
        }.check()
    }

    /// The generic form without θ and φ compares x itself.
    @Test(arguments: generic.filter { $0.formulation.score != .outerSum })
    func comparesTheInputWithoutProjections(_ pairwise: Pairwise) throws {
        let problem = BlockCase([2, 3, 4, 5]) {
            $0.pairwise = pairwise
            $0.subsample = .convFirst
        }
        var weights = try problem.weights()
        (weights.theta, weights.phi) = (nil, nil)
        let block = try NonLocalBlock(problem.configuration, weights: weights)
        let result = try block.prepared(for: problem.shape, on: TestDevice.session()).run(problem.input())
        #expect(result.validation.rows == 40)
    }

    /// Logits up to ±10⁴ and beyond give no NaN, and the right numbers.
    @Test(arguments: named + generic, [1e2, 3e3])
    func largeLogits(_ pairwise: Pairwise, _ deviation: Double) throws {
        // exp and squares of such scores are not float32 numbers.
        let text = pairwise.formulation.weight.description
        if text.contains("exp(-s)") || text.contains("exp(s / 4)") { return }
        try BlockCase([1, 4, 9], deviation: deviation) { $0.pairwise = pairwise }.check()
    }

    /// Affinities of ±10⁴, all of them the same in a row, or of one sign.
    @Test(arguments: named, [-100, 100] as [Float])
    func equalPositions(_ pairwise: Pairwise, _ value: Float) throws {
        let problem = BlockCase([2, 3, 67]) { $0.pairwise = pairwise }
        let x = try Tensor(repeating: value, shape: problem.shape)
        let prepared = try problem.block().prepared(for: problem.shape, on: TestDevice.session())
        let z = try prepared(x).elements
        let uneven = z.indices.first { z[$0] != z[$0 / 67 * 67] }
        #expect(uneven == nil, "equal positions have equal results")
    }

    @Test(arguments: named, [0x1p-140, -0x1p-149, 0, -0.0] as [Float])
    func denormalInput(_ pairwise: Pairwise, _ value: Float) throws {
        let problem = BlockCase([1, 3, 9]) { $0.pairwise = pairwise }
        let x = try Tensor(repeating: value, shape: problem.shape)
        let result = try problem.block().prepared(for: problem.shape, on: TestDevice.session()).run(x)
        #expect(result.validation.rows == 9)
    }
}
