import Testing

@testable import NonLocal

/// The dot-product form by every order of its products, every position compared with the reference.
@Suite(.needsDevice) struct ReassociationTests {
    /// An order, on the device's own kernels or on the tile kernels.
    struct Way: CustomTestStringConvertible, Sendable {
        let order: ProductOrder
        let kernels: KernelClass?

        var testDescription: String {
            "\(order.head), \(order.tail)\(kernels.map { ", \($0) kernels" } ?? "")"
        }
    }

    static let ways = [nil, KernelClass.tile].flatMap { kernels in
        ProductOrder.allCases.map { Way(order: $0, kernels: kernels) }
    }

    static let problems: [BlockCase] = {
        func dotProduct(
            _ shape: [Int], biases: Bool = true, norm: BlockCase.Norm = .none, normGroups: Int = 0,
            mean: Double = 0, inner: Int? = nil, value: Int? = nil, layout: Layout = .channelsFirst,
            _ change: (inout NonLocalBlock.Configuration) -> Void = { _ in }
        ) -> BlockCase {
            BlockCase(
                shape, biases: biases, norm: norm, normGroups: normGroups, mean: mean, inner: inner,
                value: value, layout: layout
            ) {
                $0.pairwise = .dotProduct
                change(&$0)
            }
        }
        return [
            dotProduct([1, 1, 1]), dotProduct([2, 2, 3], inner: 1, value: 5),
            dotProduct([1, 7, 131], biases: false),
            dotProduct([3, 9, 67], norm: .batchNorm, inner: 4, value: 7) { $0.scale = .inverseSquareRoot },
            dotProduct([1, 17, 300], inner: 50, value: 3) { $0.scale = .factor(-0.5) },
            dotProduct([2, 6, 11, 13], normGroups: 2, mean: 2) { $0.residual = false },
            dotProduct([2, 4, 3, 5, 7]) { $0.scope = .space },
            dotProduct([1, 4, 9, 3, 2], normGroups: 2) { $0.scope = .time },
            dotProduct([2, 4, 3, 4, 6]) { $0.subsample = .poolFirst },
            dotProduct([2, 4, 3, 4, 6]) { $0.subsample = .convFirst },
            dotProduct([2, 4, 3, 4, 6]) {
                $0.subsample = .poolFirst
                $0.scope = .space
            },
            dotProduct([1, 4, 30], norm: .affine) {
                $0.subsample = .convFirst
                $0.pool = .flat(3)
            },
            dotProduct([2, 5, 7, 6], normGroups: 3, layout: .channelsLast),
            dotProduct([2, 3, 5, 4, 6], layout: .channelsLast) { $0.scope = .space },
            dotProduct([1, 9, 70]) { $0.scale = .factor(0) },
            dotProduct([1, 150, 40], inner: 131),
        ]
    }()

    @Test(arguments: problems, ways)
    func matches(_ problem: BlockCase, _ way: Way) throws {
        guard way.order.head == .projected || problem.configuration.subsample != .convFirst else {
            _ = failure(.configuration) { _ = try prepare(problem, way) }
            return
        }
        let prepared = try prepare(problem, way)
        #expect(prepared.plan.strategy == .reassociated && prepared.plan.notes.isEmpty)
        #expect(way.kernels.map { prepared.plan.kernels == $0 } ?? true)
        let x = try problem.input()
        let z = try prepared.run(x)
        #expect(z.validation.rows == z.validation.rowsInAll)
        expectSameBits(try prepared.run(x).output.elements, z.output.elements, "a second time")
    }

    /// Chosen queries give what all positions give, bit for bit.
    @Test(arguments: problems.filter { $0.shape.count > 3 }, ways)
    func chosenQueriesMatch(_ problem: BlockCase, _ way: Way) throws {
        guard way.order.head == .projected || problem.configuration.subsample != .convFirst else { return }
        let prepared = try prepare(problem, way)
        let x = try problem.input()
        let (items, channels) = (problem.shape[0], problem.configuration.channels)
        let positions = problem.shape.reduce(1, *) / items / channels
        let queries = [positions - 1, 0, 5, 5, 17]
        let all = try prepared(x).elements
        let some = try prepared.run(x, queries: queries).output.elements
        let isFirst = problem.configuration.layout == .channelsFirst
        var expected: [Float] = []
        for item in 0..<items {
            let base = item * channels * positions
            if isFirst {
                for c in 0..<channels { expected += queries.map { all[base + c * positions + $0] } }
            } else {
                for query in queries { expected += (0..<channels).map { all[base + query * channels + $0] } }
            }
        }
        expectSameBits(some, expected)
    }

    @Test(arguments: [(1, 1, 1, 1), (7, 2, 9, 130), (64, 49, 65, 200), (131, 9, 3, 257)])
    func bareOperationMatches(_ sizes: (width: Int, values: Int, rows: Int, keys: Int)) throws {
        let theta = try Tensor<Float>.normal(shape: [2, sizes.width, sizes.rows], seed: 1)
        let phi = try Tensor<Float>.normal(shape: [2, sizes.width, sizes.keys], seed: 2)
        let g = try Tensor<Float>.normal(shape: [2, sizes.values, sizes.keys], seed: 3)
        let operation = NonLocalOperation(pairwise: .dotProduct, scale: .inverseSquareRoot)
        let prepared = try operation.prepared(
            for: OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
            on: TestDevice.session(), strategy: .reassociated)
        #expect(
            prepared.plan.strategy == .reassociated && prepared.plan.steps.map(\.name) == ["g φᵀ", "K θ"])
        let result = try prepared.run(theta: theta, phi: phi, g: g)
        #expect(result.validation.rows == 2 * sizes.rows)
    }

    /// At a length at which sums have many parts, and with means that a Gram matrix would cancel: eight
    /// roundings of z, or twice the error of the formulas as they stand. With a mean of forty deviations θ and φ
    /// cancel by themselves, whatever is made of them.
    @Test(arguments: [(0.0, 1.0), (3.0, 1.0), (-20.0, 0.5)], ways)
    func longSumsStayExact(_ x: (mean: Double, deviation: Double), _ way: Way) throws {
        let problem = BlockCase([1, 64, 3001], deviation: x.deviation, mean: x.mean) {
            $0.pairwise = .dotProduct
        }
        let prepared = try prepare(problem, way)
        let input = try problem.input()
        let result = try prepared.run(input)
        let largestInput = input.elements.reduce(0) { max($0, Double($1.magnitude)) }
        let largestChange = zip(result.output.elements, input.elements).reduce(0) {
            max($0, Double(($1.0 - $1.1).magnitude))
        }
        // For the moderate means the floor alone has to do.
        let peerError =
            x.mean < 0
            ? try problem.block().prepared(
                for: problem.shape, on: TestDevice.session(), strategy: .staged
            ).run(input).validation.maxRelativeError ?? 0 : 0
        let allowed = Tolerances.beside(
            peerError: peerError, largestInput: largestInput, largestChange: largestChange)
        let error = try #require(result.validation.maxRelativeError)
        #expect(error <= allowed, "\(error / Tolerance.rounding) roundings")
    }

    /// A limit cuts the batch; one too low for any item leaves the automatic choice another strategy.
    @Test func keepsToTheMemoryLimit() throws {
        let problem = BlockCase([5, 16, 300]) { $0.pairwise = .dotProduct }
        let block = try problem.block()
        let session = try TestDevice.session()
        let x = try problem.input()
        let whole = try block.prepared(for: problem.shape, on: session)
        #expect(whole.plan.strategy == .reassociated)
        let z = try whole(x).elements
        let limit = whole.plan.peakMemory * 3 / 4
        let cut = try block.prepared(for: problem.shape, on: session, memoryLimit: limit)
        #expect(cut.plan.strategy == .reassociated && cut.plan.itemsPerSlice < 5)
        #expect(cut.plan.peakMemory <= limit)
        #expect(cut.plan.allocations.reduce(0) { $0 + $1.bytes } == cut.plan.peakMemory)
        // Another number of items may share the positions otherwise.
        expectSame(try cut(x), try whole(x))
        #expect(try whole(x).elements == z)
        let staged = try block.prepared(for: problem.shape, on: session, strategy: .staged)
        let small = try smallestLimit(block, problem.shape, below: staged.plan.peakMemory)
        #expect(
            try block.prepared(for: problem.shape, on: session, memoryLimit: small).plan.strategy == .staged)
        _ = failure(.memory) {
            _ = try block.prepared(
                for: problem.shape, on: session, strategy: .reassociated, memoryLimit: small)
        }
    }

    @Test func othersAreRefused() throws {
        for pairwise in [Pairwise.embeddedGaussian, .gaussian, .concatenation] {
            let problem = BlockCase([1, 4, 9]) { $0.pairwise = pairwise }
            let error = failure(.configuration) {
                _ = try problem.block().prepared(
                    for: problem.shape, on: TestDevice.session(), strategy: .reassociated)
            }
            #expect(error?.message.contains("dot-product") == true, "\(String(describing: error))")
        }
        let own = BlockCase([1, 4, 9]) {
            $0.pairwise = .dotProduct
            $0.ownWeight = .exclude
        }
        #expect(throws: NonLocalError.self) {
            _ = try own.block().prepared(
                for: own.shape, on: TestDevice.session(), strategy: .reassociated)
        }
    }

    /// The tile kernels with small work-groups, so that small problems have several.
    private func prepare(_ problem: BlockCase, _ way: Way) throws -> PreparedBlock {
        let block = try problem.block()
        let session = try TestDevice.session()
        return try PreparedBlock(
            block.configuration, FoldedWeights(block.weights, pairwise: .dotProduct), shape: problem.shape,
            session: session,
            options: RunOptions(
                strategy: .reassociated, kernels: way.kernels,
                groupTile: way.kernels == .tile ? GroupTile.candidates(session.device).last : nil,
                order: way.order, validation: .full))
    }

    private func smallestLimit(_ block: NonLocalBlock, _ shape: [Int], below: Int) throws -> Int {
        var (low, high) = (0, below)
        while high - low > 4 {
            let middle = (low + high) / 2
            do {
                _ = try block.prepared(
                    for: shape, on: TestDevice.session(), strategy: .staged, memoryLimit: middle)
                high = middle
            } catch let error as NonLocalError where error.code == .memory {
                low = middle
            }
        }
        return high
    }
}
