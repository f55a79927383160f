import Foundation
import Testing

@testable import NonLocal

/// What follows from the formulas without any other program, on both backends.
@Suite struct FormulaTests {
    private static let forms = PairwiseFormTests.named

    private func check(
        _ actual: Tensor<Float>, _ expected: [Double], _ context: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let tolerance = Tolerances.sameFormula(largest: expected.reduce(0) { max($0, $1.magnitude) })
        expectClose(actual.elements, expected, context, sourceLocation: sourceLocation) { _ in tolerance }
    }

    @Test(arguments: Engine.all)
    func zeroThetaAndPhiGiveTheMean(_ engine: Engine) throws {
        let problem = BlockCase([1, 6, 3, 5], inner: 4, value: 5)
        var weights = try problem.weights()
        for path in [\BlockWeights.theta, \BlockWeights.phi] {
            weights[keyPath: path] = .init(weight: try Tensor(repeating: 0, shape: [4, 6]))
        }
        let x = try problem.input()
        let plain = PlainFormulas(x, weights: weights)
        let mean = (0..<5).map { c in plain.g.reduce(0) { $0 + $1[c] } / 15 }
        check(
            try problem.prepared(on: engine, weights: weights)(x),
            plain.z(Array(repeating: mean, count: 15)))
    }

    @Test(arguments: Engine.all, Scope.allCases)
    func softmaxRowsSumToOne(_ engine: Engine, _ scope: Scope) throws {
        for deviation in [1, 100.0] {
            for pairwise in [.gaussian, .embeddedGaussian, SizeTests.distance] as [Pairwise] {
                let problem = BlockCase([2, 4, 3, 2, 5], deviation: deviation) {
                    $0.pairwise = pairwise
                    $0.scope = scope
                }
                let map = try problem.prepared(on: engine).attention(problem.input())
                let keys = map.shape[2]
                #expect(map.shape == [2, 30, keys])
                let elements = map.elements
                let sums = stride(from: 0, to: elements.count, by: keys).map { first in
                    Float(elements[first..<first + keys].reduce(0.0) { $0 + Double($1) })
                }
                expectClose(sums, sums.map { _ in 1 }, "\(pairwise.name), x ± \(deviation)") { _ in
                    Tolerances.sum(of: keys, magnitude: 1)
                }
                #expect(elements.allSatisfy { $0 >= 0 })
            }
        }
    }

    /// Another bias of φ adds θ_iᵀ b to the whole row i.
    @Test(arguments: Engine.all)
    func aConstantAddedToARowChangesNothing(_ engine: Engine) throws {
        let problem = BlockCase([2, 6, 17])
        var weights = try problem.weights()
        let x = try problem.input()
        let z = try problem.prepared(on: engine, weights: weights)(x)
        weights.phi?.bias = try Tensor(shape: [3], elements: [5, -4, 3])
        expectSame(try problem.prepared(on: engine, weights: weights)(x), z)
    }

    @Test(arguments: Engine.all, forms)
    func permutedPositionsPermuteTheResult(_ engine: Engine, _ pairwise: Pairwise) throws {
        let positions = 67
        let problem = BlockCase([2, 4, positions], normGroups: 2) { $0.pairwise = pairwise }
        let prepared = try problem.prepared(on: engine)
        let x = try problem.input()
        var generator = SplitMix64(seed: 3)
        let order = (0..<positions).shuffled(using: &generator)
        func permuted(_ tensor: Tensor<Float>) throws -> Tensor<Float> {
            let elements = tensor.elements
            return try Tensor(
                shape: tensor.shape,
                elements: (0..<8).flatMap { row in order.map { elements[row * positions + $0] } })
        }
        expectSame(try prepared(permuted(x)), try permuted(prepared(x)))
    }

    /// θᵀ(φ gᵀ)/M equals (θᵀφ) g/M.
    @Test(arguments: Engine.all)
    func dotProductCanBeReassociated(_ engine: Engine) throws {
        let problem = BlockCase([1, 5, 4, 7], inner: 3, value: 4) { $0.pairwise = .dotProduct }
        let (x, weights) = (try problem.input(), try problem.weights())
        let plain = PlainFormulas(x, weights: weights)
        let (theta, phi, g) = (plain.theta, plain.phi, plain.g)
        let product = (0..<3).map { d in
            (0..<4).map { v in zip(phi, g).reduce(0) { $0 + $1.0[d] * $1.1[v] } / 28 }
        }
        let y = theta.map { theta in
            (0..<4).map { v in (0..<3).reduce(0) { $0 + theta[$1] * product[$1][v] } }
        }
        check(try problem.prepared(on: engine)(x), plain.z(y))
    }

    /// z = x + [W_z W_g (X Xᵀ) W_φᵀ W_θ / M] x, biases through a row of ones.
    @Test(arguments: Engine.all, [true, false])
    func dotProductIsAGramMatrix(_ engine: Engine, _ biases: Bool) throws {
        let problem = BlockCase([1, 5, 3, 6], biases: biases, inner: 3, value: 4) {
            $0.pairwise = .dotProduct
        }
        let (x, weights) = (try problem.input(), try problem.weights())
        let plain = PlainFormulas(x, weights: weights)
        // x̂ = [x; 1]
        let extended = plain.x.map { $0 + [1] }
        /// Ŵ = [W b], applied to a vector of C + 1 numbers.
        func apply(_ projection: BlockWeights.Projection?, _ vector: [Double]) throws -> [Double] {
            let projection = try #require(projection)
            let weight = projection.weight.elements.map(Double.init)
            return (0..<projection.weight.shape[0]).map { r in
                PlainFormulas.dot(Array(weight[r * 5..<(r + 1) * 5]), Array(vector[..<5]))
                    + Double(projection.bias?.elements[r] ?? 0) * vector[5]
            }
        }
        /// Ŵᵀ applied to a vector.
        func applyTransposed(_ projection: BlockWeights.Projection?, _ vector: [Double]) throws -> [Double] {
            let projection = try #require(projection)
            let weight = projection.weight.elements.map(Double.init)
            let bias = projection.bias?.elements.map(Double.init) ?? vector.map { _ in 0 }
            return (0..<5).map { c in vector.indices.reduce(0) { $0 + weight[$1 * 5 + c] * vector[$1] } }
                + [PlainFormulas.dot(bias, vector)]
        }
        let gram = (0..<6).map { a in (0..<6).map { b in extended.reduce(0) { $0 + $1[a] * $1[b] } } }
        let y = try extended.map { x in
            let key = try applyTransposed(weights.phi, apply(weights.theta, x))
            return try apply(weights.g, gram.map { PlainFormulas.dot($0, key) }).map { $0 / 18 }
        }
        check(try problem.prepared(on: engine)(x), plain.z(y))
    }

    /// f = ReLU(w_fᵀ [θ_i; φ_j]) on the pair written out.
    @Test(arguments: Engine.all)
    func theOuterSumIsTheConcatenation(_ engine: Engine) throws {
        let problem = BlockCase([1, 6, 3, 5], inner: 4, value: 3) { $0.pairwise = .concatenation }
        let (x, weights) = (try problem.input(), try problem.weights())
        let plain = PlainFormulas(x, weights: weights)
        let (phi, g) = (plain.phi, plain.g)
        let pairwise = try #require(weights.pairwise)
        let w = pairwise.weight.elements.map(Double.init)
        let y = plain.theta.map { theta in
            let f = phi.map { max(PlainFormulas.dot(w, theta + $0) + Double(pairwise.bias), 0) }
            return (0..<3).map { v in zip(f, g).reduce(0) { $0 + $1.0 * $1.1[v] } / 15 }
        }
        check(try problem.prepared(on: engine)(x), plain.z(y))
    }

    /// The two Gaussian forms written out, the first two equations of the paper.
    @Test(arguments: Engine.all, [.gaussian, .embeddedGaussian] as [Pairwise])
    func theGaussianFormsAreSoftmaxes(_ engine: Engine, _ pairwise: Pairwise) throws {
        let problem = BlockCase([1, 6, 3, 5], inner: 4, value: 3) {
            $0.pairwise = pairwise
            $0.scale = .inverseSquareRoot
        }
        let (x, weights) = (try problem.input(), try problem.weights())
        let plain = PlainFormulas(x, weights: weights)
        let (phi, g) = (plain.phi, plain.g)
        let scale = 1 / (pairwise == .gaussian ? 6.0 : 4.0).squareRoot()
        let y = plain.theta.map { theta in
            let f = phi.map { exp(scale * PlainFormulas.dot(theta, $0)) }
            let sum = f.reduce(0, +)
            return (0..<3).map { v in zip(f, g).reduce(0) { $0 + $1.0 * $1.1[v] } / sum }
        }
        check(try problem.prepared(on: engine)(x), plain.z(y))
    }
}
