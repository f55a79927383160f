import Testing

@testable import NonLocal

/// Which order of the dot-product form's products is taken, at which sizes.
@Suite struct ProductOrderTests {
    struct Choice: CustomTestStringConvertible, Sendable {
        let problem: BlockCase
        let head: ProductOrder.Head
        let tail: ProductOrder.Tail
        let pays: Bool

        init(
            _ shape: [Int], _ head: ProductOrder.Head, _ tail: ProductOrder.Tail, pays: Bool = true,
            inner: Int? = nil, _ change: (inout NonLocalBlock.Configuration) -> Void = { _ in }
        ) {
            problem = BlockCase(shape, inner: inner) {
                $0.pairwise = .dotProduct
                change(&$0)
            }
            (self.head, self.tail, self.pays) = (head, tail, pays)
        }

        var testDescription: String { "\(problem) → \(head), \(tail)" }
    }

    static let choices = [
        // Many positions and d = C/2: the Gram matrix is half of a product, and θ no more than B.
        Choice([1, 512, 8, 28, 28], .gram, .output), Choice([1, 256, 8, 56, 56], .gram, .output),
        // Fewer positions than channels: matrices of channels cost more than maps of positions.
        Choice([1, 1024, 4, 14, 14], .projected, .aggregate),
        Choice([1, 2048, 7, 7], .projected, .aggregate, pays: false),
        // d = C, as in latent diffusion, and a narrow d.
        Choice([1, 512, 64, 64], .gram, .whole, inner: 512),
        Choice([1, 512, 64, 64], .projected, .output, inner: 16),
        // Few keys: a Gram matrix of pooled positions, but not of pooled projections, which have none.
        Choice([1, 512, 4, 28, 28], .gram, .output) { $0.subsample = .poolFirst },
        Choice([1, 512, 4, 28, 28], .projected, .output) { $0.subsample = .convFirst },
        Choice([1, 64, 8, 56, 56], .gram, .output) { $0.subsample = .poolFirst },
        // Frames apart, and pixels apart, of which each has too few positions.
        Choice([1, 64, 8, 56, 56], .gram, .output) { $0.scope = .space },
        Choice([1, 64, 8, 56, 56], .projected, .aggregate, pays: false) { $0.scope = .time },
        Choice([1, 256, 8, 28, 28], .projected, .aggregate, pays: false) { $0.scope = .time },
    ]

    @Test(arguments: choices)
    func isTaken(_ choice: Choice) throws {
        let problem = try self.problem(choice.problem)
        let reassociation = try #require(try problem.reassociation())
        let costs = ProductOrder.allCases.map {
            "\($0.head), \($0.tail): \(problem.steps($0).operations / 1e9)"
        }
        #expect(
            reassociation.order == ProductOrder(head: choice.head, tail: choice.tail),
            "\(costs), formulas \(problem.steps.operations / 1e9)")
        #expect(reassociation.pays == choice.pays)
    }

    /// N = M and d = d_v: it pays from N > d on, whatever comes before and after.
    @Test func theBareOperationPaysBeyondTheWidth() throws {
        let operation = NonLocalOperation(pairwise: .dotProduct)
        for (positions, pays) in [(63, false), (64, false), (65, true)] {
            let shape = [1, 64, positions]
            let sizes = try OperationShape(operation, theta: shape, phi: shape, g: shape)
            let reassociation = sizes.reassociation(operation.pairwise.formulation)
            #expect(reassociation?.pays == pays, "\(positions) positions")
        }
    }

    /// Three products of N × C × C, one of them halved, and what does not grow with N.
    @Test func thePlanCountsWhatIsExecuted() throws {
        let problem = try self.problem(BlockCase([1, 512, 8, 28, 28]) { $0.pairwise = .dotProduct })
        let (n, c) = (6272.0, 512.0)
        let steps = problem.steps(ProductOrder(head: .gram, tail: .whole))
        let maps = 2 * (c * c * c / 2 + c * c * c / 4 + c * c * c / 4 + c * c * c / 2)
        #expect(steps.operations == n * c * (c + 1) + 2 * n * c * c + maps)
    }

    @Test func othersHaveNone() throws {
        for pairwise in [Pairwise.gaussian, .embeddedGaussian, .concatenation] {
            let problem = try self.problem(BlockCase([1, 4, 900]) { $0.pairwise = pairwise })
            #expect(try problem.reassociation() == nil)
        }
    }

    private func problem(_ problem: BlockCase) throws -> BlockProblem {
        // Sizes alone count: of the weights the numbers of outputs, which one input has too.
        func map(_ outputs: Int) throws -> BlockWeights.Projection {
            .init(weight: try Tensor(repeating: 1, shape: [outputs, 1]))
        }
        let configuration = problem.configuration
        let weights = BlockWeights(
            theta: try map(configuration.innerChannels), phi: try map(configuration.innerChannels),
            g: try map(1), output: try map(1))
        return BlockProblem(
            configuration, try Geometry(configuration, shape: problem.shape),
            FoldedWeights(weights, pairwise: configuration.pairwise))
    }
}
