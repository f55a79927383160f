import Testing

@testable import NonLocal

/// Folded weight 0 and folded bias 0: z is x, bit for bit.
@Suite struct IdentityTests {
    static let hard: [Float] = [
        -0.0, 0, 1, -1, 0x1p-149, -0x1p-140, 3e38, -3e38, 0.1, -1e4, .leastNormalMagnitude, 7,
    ]

    /// W_z and its bias are zero, or the norm behind it makes them so; a zero may have a sign.
    static func weights(_ kind: String, _ problem: BlockCase) throws -> BlockWeights {
        var weights = try problem.weights()
        let channels = problem.configuration.channels
        func tensor(_ value: Float) throws -> Tensor<Float> {
            try Tensor(repeating: value, shape: [channels])
        }
        switch kind {
        case "zero W_z":
            weights.output.weight = try Tensor(repeating: 0, shape: weights.output.weight.shape)
            weights.output.bias = nil
        case "minus zero W_z":
            weights.output.weight = try Tensor(repeating: -0.0, shape: weights.output.weight.shape)
            weights.output.bias = try tensor(-0.0)
        case "affine 0": weights.norm = .affine(scale: try tensor(0), shift: try tensor(0))
        default:
            weights.norm = .batchNorm(
                scale: try tensor(0), shift: try tensor(-0.0), mean: try tensor(3), variance: try tensor(2),
                epsilon: 1e-5)
        }
        return weights
    }

    @Test(arguments: ["zero W_z", "minus zero W_z", "affine 0", "batch norm 0"], Engine.all)
    func holds(_ kind: String, _ engine: Engine) throws {
        for layout in Layout.allCases {
            for pairwise in PairwiseFormTests.named {
                let problem = BlockCase([2, 2, 3, 2], normGroups: 1, layout: layout) {
                    $0.pairwise = pairwise
                }
                let prepared = try problem.prepared(on: engine, weights: Self.weights(kind, problem))
                let x = try Tensor(shape: problem.shape, elements: Self.hard + Self.hard.reversed())
                expectSameBits(try prepared(x).elements, x.elements, "\(pairwise.name), \(layout)")
                let chosen = try prepared.run(x, queries: [4]).output
                let places = (0..<4).map { row -> Int in
                    layout == .channelsFirst ? row * 6 + 4 : (row / 2 * 6 + 4) * 2 + row % 2
                }
                expectSameBits(chosen.elements, places.map { x.elements[$0] }, "query 4")
            }
        }
    }

    @Test(.needsDevice) func holdsThroughTheShortPath() throws {
        let problem = BlockCase([1, 2, 3, 2])
        let block = try NonLocalBlock(problem.configuration, weights: Self.weights("affine 0", problem))
        let x = try Tensor(shape: problem.shape, elements: Self.hard)
        for backend in [Backend.cpu, .opencl, .automatic] {
            expectSameBits(try block(x, backend: backend).elements, x.elements)
        }
    }

    /// Freshly initialised weights (section 4.1 of the paper) leave a trained network undisturbed.
    @Test(arguments: Engine.all, [true, false])
    func randomWeightsStartThere(_ engine: Engine, _ batchNorm: Bool) throws {
        let problem = BlockCase([1, 2, 3, 2])
        let weights = try BlockWeights.random(for: problem.configuration, seed: 1, batchNorm: batchNorm)
        let x = try Tensor(shape: problem.shape, elements: Self.hard)
        expectSameBits(try problem.prepared(on: engine, weights: weights)(x).elements, x.elements)
    }

    @Test(arguments: Engine.all)
    func withoutResidualZIsZero(_ engine: Engine) throws {
        let problem = BlockCase([1, 2, 3, 2]) { $0.residual = false }
        let prepared = try problem.prepared(on: engine, weights: Self.weights("zero W_z", problem))
        let x = try Tensor(shape: problem.shape, elements: Self.hard)
        #expect(try prepared(x).elements == Array(repeating: 0, count: 12))
    }

    /// A bias behind a zero weight is no identity.
    @Test(arguments: Engine.all)
    func aShiftIsAdded(_ engine: Engine) throws {
        let problem = BlockCase([1, 2, 3])
        var weights = try problem.weights()
        weights.norm = .affine(
            scale: try Tensor(repeating: 0, shape: [2]), shift: try Tensor(shape: [2], elements: [1, -2]))
        let z = try problem.prepared(on: engine, weights: weights)(
            Tensor(shape: [1, 2, 3], elements: [1, 2, 3, 4, 5, 6]))
        #expect(z.elements == [2, 3, 4, 2, 3, 4])
    }
}
