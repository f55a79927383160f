import SwiftOpenCL
import Testing

@testable import NonLocal

/// Fused and staged attention on the tile kernels with operands kept in 16 bits, every row compared with the reference.
@Suite(.needsDevice) struct TilePrecisionTests {
    private func prepared(
        _ problem: BlockCase, _ precision: Precision, _ strategy: Strategy, memoryLimit: Int? = nil,
        allowNonFinite: Bool = false
    ) throws -> PreparedBlock {
        try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), strategy: strategy, kernels: .tile,
            validation: allowNonFinite ? .off : .full, memoryLimit: memoryLimit,
            allowNonFinite: allowNonFinite,
            groupTile: GroupTile.candidates(TestDevice.session().device).last, precision: precision)
    }

    private static let strategies = [Strategy.fused, .staged]

    /// By each strategy beside the tolerance of what it was computed in.
    ///
    /// - Parameter x: the problem's own input without.
    /// - Returns: the results' precisions.
    @discardableResult
    private func check(
        _ problem: BlockCase, _ precision: Precision, queries: [Int]? = nil, _ x: Tensor<Float>? = nil,
        memoryLimit: Int? = nil
    ) throws -> Set<Precision?> {
        var precisions: Set<Precision?> = []
        for strategy in Self.strategies {
            let prepared = try prepared(problem, precision, strategy, memoryLimit: memoryLimit)
            #expect(prepared.plan.precision == precision && prepared.plan.kernels == .tile)
            #expect(prepared.plan.strategy == strategy && prepared.plan.notes.isEmpty, "\(prepared.plan)")
            let result = try prepared.run(x ?? problem.input(), queries: queries)
            #expect(result.output.elements.allSatisfy { $0.isFinite })
            #expect(result.validation.rows == result.validation.rowsInAll)
            precisions.insert(result.precision)
        }
        return precisions
    }

    private static let stored = [Precision.mixed, .float16, .bfloat16]

    @Test(arguments: PrecisionTests.problems, stored)
    func matches(_ problem: BlockCase, _ precision: Precision) throws {
        #expect(try check(problem, precision) == [precision.stored])
        for strategy in Self.strategies {
            let exact = try prepared(problem, .float32, strategy).run(problem.input()).validation
            let result = try prepared(problem, precision, strategy).run(problem.input()).validation
            #expect((exact.tolerance ?? 1) < (result.tolerance ?? 0))
            #expect((exact.maxRelativeError ?? 1) < (result.maxRelativeError ?? 0))
        }
    }

    /// Around the blocks of 32 positions, and odd numbers of them, whose channels begin at odd places.
    @Test(arguments: [1, 2, 31, 32, 33, 65, 129], stored)
    func positions(_ count: Int, _ precision: Precision) throws {
        try check(BlockCase([3, 5, count], value: 7), precision)
    }

    @Test(
        arguments: [(1, 1), (7, 9), (17, 33), (129, 5), (5, 130), (2048, 3)], [Precision.float16, .bfloat16])
    func widths(_ sizes: (inner: Int, value: Int), _ precision: Precision) throws {
        let problem = BlockCase([1, 6, 35], inner: sizes.inner, value: sizes.value) {
            $0.scale = .inverseSquareRoot
        }
        try check(problem, precision)
    }

    @Test(arguments: Subsample.allCases, Scope.allCases)
    func subsamplingAndScope(_ subsample: Subsample, _ scope: Scope) throws {
        for layout in [Layout.channelsFirst, .channelsLast] {
            let shape = layout == .channelsFirst ? [2, 5, 4, 6, 7] : [2, 4, 6, 7, 5]
            let problem = BlockCase(shape, norm: .batchNorm, layout: layout) {
                $0.subsample = subsample
                $0.scope = scope
            }
            try check(problem, .mixed)
            try check(problem, .mixed, queries: [5, 0, 167, 60])
        }
    }

    @Test(arguments: [OwnWeight.exclude, .strongest], stored)
    func ownWeights(_ ownWeight: OwnWeight, _ precision: Precision) throws {
        for count in [2, 33, 300] {
            let problem = BlockCase([2, 4, count], value: 37) {
                $0.ownWeight = ownWeight
                $0.scale = .factor(-0.5)
            }
            try check(problem, precision)
        }
    }

    /// Few queries and many keys, which work-groups share.
    @Test(arguments: stored)
    func sharedKeys(_ precision: Precision) throws {
        try check(BlockCase([1, 4, 700]), precision, queries: [699, 3])
    }

    /// Far beyond 65504, and far below what float16 tells from zero: scaled, numbers fit all the same.
    @Test(arguments: [1e18, 1e6, 1e-6, 1e-30], stored)
    func magnitudes(_ deviation: Double, _ precision: Precision) throws {
        let problem = BlockCase([2, 6, 40], biases: false, deviation: deviation) { $0.scale = .factor(0) }
        #expect(try check(problem, precision) == [precision.stored])
    }

    /// The same where the scores make weights of them.
    @Test(arguments: [1e15, 1e6, 1e-6, 1e-15], stored)
    func magnitudesOfScores(_ deviation: Double, _ precision: Precision) throws {
        let problem = BlockCase([2, 6, 40], biases: false, deviation: deviation) {
            $0.scale = .factor(1 / (deviation * deviation))
        }
        #expect(try check(problem, precision) == [precision.stored])
    }

    /// Positions of many sizes, frames and items of others: those of a frame are scaled together, frames by themselves,
    /// and blocks of few of them have their own.
    @Test(arguments: stored, [nil, 20_000])
    func unevenPositions(_ precision: Precision, _ memoryLimit: Int?) throws {
        let problem = BlockCase([3, 4, 5, 6, 5], biases: false) {
            $0.scope = .space
            $0.pairwise = .gaussian
            $0.scale = .factor(1e-4)
        }
        let x = try problem.input()
        let uneven = try Tensor(shape: x.shape) { target in
            for (index, value) in x.elements.enumerated() {
                let position = index % 150
                target[index] =
                    value * Float(1 << (index / 600 + position / 30)) * (position % 3 == 0 ? 0.01 : 1)
            }
        }
        #expect(try check(problem, precision, uneven, memoryLimit: memoryLimit) == [precision.stored])
    }

    /// What one item holds that is no number changes nothing in another.
    @Test(arguments: stored, [Float.infinity, -.infinity, .nan])
    func whatIsNoNumber(_ precision: Precision, _ value: Float) throws {
        let problem = BlockCase([2, 6, 40])
        for strategy in Self.strategies {
            let prepared = try prepared(problem, precision, strategy, allowNonFinite: true)
            let x = try problem.input()
            let spoilt = try Tensor(shape: x.shape) { target in
                for (index, element) in x.elements.enumerated() {
                    target[index] = index == 77 ? value : element
                }
            }
            let (right, wrong) = (try prepared.run(x), try prepared.run(spoilt))
            #expect(right.output.elements[240...] == wrong.output.elements[240...])
            // Each position has the spoilt one among its keys.
            #expect(wrong.output.elements[..<240].allSatisfy { !$0.isFinite })
            #expect(wrong.precision == precision.stored)
        }
    }

    /// Positions 2⁴⁰ times smaller than others make a block go to bfloat16, and stay there, in blocks of rows too; float16
    /// that is insisted on stays.
    @Test(arguments: strategies, [nil, 6_000])
    func widens(_ strategy: Strategy, _ memoryLimit: Int?) throws {
        let problem = PrecisionTests.uneven
        let limit = strategy == .staged ? memoryLimit : nil
        let prepared = try prepared(problem, .mixed, strategy, memoryLimit: limit)
        #expect(limit == nil || (prepared.plan.rowsPerBlock ?? 40) < 40, "\(prepared.plan)")
        let x = try PrecisionTests.input(raisedBy: 1), uneven = try PrecisionTests.input(raisedBy: 0x1p40)
        #expect(try prepared.run(x).precision == .float16)
        let wide = try prepared.run(uneven)
        #expect(wide.precision == .bfloat16)
        let bfloat16 = try self.prepared(problem, .bfloat16, strategy, memoryLimit: limit)
        #expect(try wide.output == bfloat16.run(uneven).output)
        #expect(try prepared.run(x).precision == .bfloat16)
        #expect(try prepared.run(prepared.upload(x)).report.precision == .bfloat16)
    }

    /// The same for weights that are 2⁴⁰ times smaller than others of their row, in one stretch; a row that is small
    /// throughout is scaled by itself.
    @Test(arguments: strategies, [(16, Precision.float16), (8, .bfloat16), (0, .float16)])
    func widensForWeights(_ strategy: Strategy, _ expected: (smallOnes: Int, precision: Precision)) throws {
        let problem = BlockCase([1, 16, 40], biases: false) { $0.scale = .factor(0x1p-40) }
        var weights = try problem.weights()
        let g = weights.g.weight
        weights.g.weight = try Tensor(shape: g.shape) { target in
            for (index, weight) in g.elements.enumerated() {
                target[index] = index / 16 == 3 && index % 16 < expected.smallOnes ? weight * 0x1p-40 : weight
            }
        }
        let prepared = try NonLocalBlock(problem.configuration, weights: weights).prepared(
            for: problem.shape, on: TestDevice.session(), strategy: strategy, kernels: .tile,
            testsKernels: false, precision: .mixed)
        #expect(try prepared.run(problem.input()).precision == expected.precision)
    }

    /// And for the bare operation's own operands.
    @Test(arguments: strategies) func widensForBareOperands(_ strategy: Strategy) throws {
        let operation = NonLocalOperation(scale: .factor(0x1p-50))
        let theta = try Tensor<Float>.normal(shape: [2, 8, 20], seed: 1)
        let phi = try Tensor<Float>.normal(shape: [2, 8, 50], seed: 2)
        let g = try Tensor<Float>.normal(shape: [2, 4, 50], seed: 3)
        let uneven = try Tensor(shape: phi.shape) { target in
            for (index, value) in phi.elements.enumerated() {
                target[index] = index % 50 < 16 ? value * 0x1p45 : value
            }
        }
        for (theta, phi, g) in [(theta, uneven, g), (theta, phi, uneven)] {
            let prepared = try operation.prepared(
                for: OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
                on: TestDevice.session(), strategy: strategy, kernels: .tile, precision: .mixed)
            for _ in 0..<2 { #expect(try prepared.run(theta: theta, phi: phi, g: g).precision == .bfloat16) }
        }
    }

    /// Logits of ±10⁴ are choices of one key, in whichever precision; some rounding decides between equals.
    @Test(arguments: stored)
    func largeLogits(_ precision: Precision) throws {
        try check(BlockCase([1, 16, 70], deviation: 30) { $0.pairwise = .gaussian }, precision)
    }

    @Test(arguments: stored)
    func bareOperations(_ precision: Precision) throws {
        for (width, values, rows, keys) in [(1, 1, 1, 1), (67, 3, 9, 70), (8, 65, 66, 2), (5, 40, 3, 300)] {
            let operation = NonLocalOperation()
            let theta = try Tensor<Float>.normal(shape: [2, width, rows], deviation: 0.5, seed: 1)
            let phi = try Tensor<Float>.normal(shape: [2, width, keys], deviation: 0.5, seed: 2)
            let g = try Tensor<Float>.normal(shape: [2, values, keys], seed: 3)
            for strategy in Self.strategies {
                let prepared = try operation.prepared(
                    for: OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
                    on: TestDevice.session(), strategy: strategy, kernels: .tile, precision: precision)
                #expect(prepared.plan.kernels == .tile && prepared.plan.precision == precision)
                _ = try prepared(theta: theta, phi: phi, g: g)
            }
        }
    }

    @Test(arguments: strategies) func slicesKeepToTheLimit(_ strategy: Strategy) throws {
        let problem = BlockCase([5, 4, 3, 10, 10]) { $0.scope = .space }
        let plan = try prepared(problem, .float16, strategy).plan
        #expect(plan.allocations.reduce(0) { $0 + $1.bytes } == plan.peakMemory)
        let limit = strategy == .staged ? 80_000 : plan.peakMemory - 4
        let cut = try prepared(problem, .float16, strategy, memoryLimit: limit)
        #expect(cut.plan.peakMemory <= limit && cut.plan.peakMemory < plan.peakMemory)
        #expect(strategy == .staged ? (cut.plan.groupsPerBlock ?? 15) < 15 : cut.plan.itemsPerSlice < 5)
        _ = try cut.run(problem.input())
    }

    /// Operands in float32 are what they were: 16 bits nowhere.
    @Test(arguments: strategies) func float32KeepsNothingElse(_ strategy: Strategy) throws {
        let plan = try prepared(BlockCase([1, 6, 40]), .float32, strategy).plan
        let names = Set(plan.allocations.map(\.name))
        #expect(
            names.isDisjoint(with: ["packed theta", "packed phi", "packed g", "packed affinity", "limits"]))
        #expect(!plan.description.contains("16 bits"))
    }

    /// What only float32 kernels can do is done by them, or refused.
    @Test func otherForms() throws {
        let problem = BlockCase([1, 6, 20]) { $0.pairwise = .dotProduct }
        let mixed = try prepared(problem, .mixed, .automatic)
        #expect(mixed.plan.precision == .float32)
        #expect(mixed.plan.notes.contains { $0.contains("tile kernels compute in float32") })
        _ = try mixed.run(problem.input())
        let error = failure(.configuration) { _ = try prepared(problem, .float16, .automatic) }
        #expect(error?.message.contains("not float16") == true)
    }
}
