import SwiftOpenCL
import Testing

@testable import NonLocal

/// Blocks and the bare operation on the tile kernels, by each of their strategies, every row compared.
@Suite(.needsDevice) struct TileStrategyTests {
    private static func small() throws -> GroupTile {
        try #require(GroupTile.candidates(TestDevice.session().device).last)
    }

    @discardableResult
    private func check(
        _ problem: BlockCase, _ strategy: Strategy, queries: [Int]? = nil, memoryLimit: Int? = nil,
        tile: GroupTile? = nil
    ) throws -> Plan {
        let prepared = try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), strategy: strategy, kernels: .tile,
            memoryLimit: memoryLimit, groupTile: tile ?? Self.small())
        let result = try prepared.run(problem.input(), queries: queries)
        #expect(prepared.plan.kernels == .tile && prepared.plan.notes.isEmpty, "\(prepared.plan)")
        #expect(result.output.elements.allSatisfy { $0.isFinite })
        #expect(result.validation.rows == result.validation.rowsInAll)
        return prepared.plan
    }

    /// Around the blocks of 32 and 64 positions, and primes.
    @Test(arguments: [1, 2, 31, 32, 33, 63, 64, 65, 67, 127, 129])
    func positions(_ count: Int) throws {
        for strategy in [Strategy.staged, .fused] { try check(BlockCase([2, 5, count]), strategy) }
        try check(BlockCase([2, 5, count]) { $0.pairwise = .dotProduct }, .reassociated)
        let tile = GroupTile.candidates(try TestDevice.session().device)[0]
        try check(BlockCase([1, 5, count]), .fused, tile: tile)
    }

    /// Affinity and value widths, together and apart; several passes over the value channels.
    @Test(arguments: [
        (1, 1), (7, 9), (16, 33), (17, 31), (129, 5), (5, 130), (70, 300), (2048, 3), (3, 2048),
    ])
    func widths(inner: Int, value: Int) throws {
        for strategy in [Strategy.staged, .fused] {
            try check(
                BlockCase([1, 6, 35], inner: inner, value: value) { $0.scale = .inverseSquareRoot }, strategy)
        }
        try check(
            BlockCase([2, 6, 35], inner: inner, value: value) { $0.pairwise = .dotProduct }, .reassociated)
    }

    @Test(arguments: Subsample.allCases, Scope.allCases)
    func subsamplingAndScope(_ subsample: Subsample, _ scope: Scope) throws {
        for layout in [Layout.channelsFirst, .channelsLast] {
            let shape = layout == .channelsFirst ? [2, 5, 4, 6, 7] : [2, 4, 6, 7, 5]
            func problem(_ pairwise: Pairwise) -> BlockCase {
                BlockCase(shape, norm: .batchNorm, layout: layout) {
                    $0.pairwise = pairwise
                    $0.subsample = subsample
                    $0.scope = scope
                }
            }
            for strategy in [Strategy.staged, .fused] { try check(problem(.embeddedGaussian), strategy) }
            try check(problem(.gaussian), .fused)
            try check(problem(.concatenation), .automatic)
            try check(problem(.dotProduct), .reassociated)
            try check(problem(.dotProduct), .reassociated, queries: [5, 0, 167, 60])
            try check(problem(.embeddedGaussian), .fused, queries: [5, 0, 167, 60])
        }
    }

    /// Logits of ±10⁴ and more, and numbers that are hardly any.
    @Test(arguments: [1e-30, 1e-3, 30, 100, 3000])
    func magnitudes(_ deviation: Double) throws {
        for scale in [1.0, -1] {
            let problem = BlockCase([1, 16, 70], deviation: deviation) {
                $0.pairwise = .gaussian
                $0.scale = .factor(scale)
            }
            for strategy in [Strategy.staged, .fused] { try check(problem, strategy) }
        }
    }

    @Test func equalRowsAndZeros() throws {
        for value in [0, -0.0, 3, 1e4, 0x1p-140] as [Float] {
            let problem = BlockCase([1, 8, 67])
            for strategy in [Strategy.staged, .fused] {
                let prepared = try problem.block().prepared(
                    for: problem.shape, on: TestDevice.session(), strategy: strategy, kernels: .tile,
                    groupTile: Self.small())
                let z = try prepared(Tensor(repeating: value, shape: problem.shape))
                #expect(z.elements.allSatisfy { $0.isFinite })
            }
        }
    }

    @Test(arguments: [OwnWeight.exclude, .strongest], [2, 33, 40, 129])
    func ownWeights(_ ownWeight: OwnWeight, _ count: Int) throws {
        for batch in [1, 3] {
            let problem = BlockCase([batch, 4, count], value: 37) {
                $0.ownWeight = ownWeight
                $0.scale = .factor(-0.5)
            }
            for strategy in [Strategy.staged, .fused] { try check(problem, strategy) }
            try check(problem, .automatic, queries: [1, 0])
        }
    }

    /// Few queries and many keys, which work-groups share; few sums of many terms.
    @Test func sharedKeysAndTerms() throws {
        try check(BlockCase([1, 4, 700]), .fused, queries: [699, 3])
        try check(BlockCase([1, 4, 1500]) { $0.pairwise = .dotProduct }, .reassociated)
    }

    /// Many positions make the Gram matrix of x the cheapest way, and it is taken.
    @Test func gramMatrices() throws {
        let many = BlockCase([2, 40, 700], mean: 2) { $0.pairwise = .dotProduct }
        let plan = try check(many, .automatic)
        #expect(plan.order?.hasPrefix("gram") == true, "\(plan)")
        #expect(plan.allocations.reduce(0) { $0 + $1.bytes } == plan.peakMemory)
        let few = BlockCase([2, 40, 30]) { $0.pairwise = .dotProduct }
        #expect(try check(few, .reassociated).order?.hasPrefix("projected") == true)
    }

    @Test func rowBlocksAndSlicesKeepToTheLimit() throws {
        let problem = BlockCase([5, 4, 3, 10, 10]) { $0.scope = .space }
        for limit in [60_000, 100_000, 200_000] {
            let plan = try check(problem, .staged, memoryLimit: limit)
            #expect(plan.peakMemory <= limit)
        }
        let wide = BlockCase([1, 4, 900])
        let plan = try check(wide, .staged, memoryLimit: 800_000)
        #expect((plan.rowsPerBlock ?? 0) < 900)
    }

    @Test func attentionMapsComeFromTheStages() throws {
        let problem = BlockCase([2, 4, 6, 7]) { $0.subsample = .poolFirst }
        let prepared = try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), kernels: .tile, groupTile: Self.small())
        let x = try problem.input()
        let all = try prepared.attention(x), some = try prepared.attention(x, queries: [41, 0])
        #expect(all.shape == [2, 42, 9] && some.shape == [2, 2, 9])
    }

    @Test func genericForms() throws {
        for normalizer in Pairwise.Normalizer.allCases {
            let problem = BlockCase([2, 4, 66]) {
                $0.pairwise = .generic(
                    .negativeSquaredDistance, weight: PairwiseFormTests.weight("exp(s)"),
                    normalizer: normalizer)
                $0.scale = .factor(0.25)
            }
            try check(problem, .automatic)
        }
    }

    @Test func bareOperations() throws {
        for (width, values, rows, keys) in [(1, 1, 1, 1), (67, 3, 9, 70), (8, 65, 66, 2), (5, 40, 3, 300)] {
            for (pairwise, strategy) in [
                (Pairwise.embeddedGaussian, Strategy.fused), (.embeddedGaussian, .staged),
                (.dotProduct, .reassociated), (.concatenation, .automatic),
            ] {
                let isOuterSum = pairwise == .concatenation
                let operation = NonLocalOperation(
                    pairwise: pairwise,
                    pairwiseWeight: isOuterSum ? .init(weight: try .normal(shape: [2 * width], seed: 4)) : nil
                )
                let theta = try Tensor.normal(shape: [2, width, rows], deviation: 0.5, seed: 1)
                let phi = try Tensor.normal(shape: [2, width, keys], deviation: 0.5, seed: 2)
                let g = try Tensor.normal(shape: [2, values, keys], seed: 3)
                let prepared = try operation.prepared(
                    for: OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
                    on: TestDevice.session(), strategy: strategy, kernels: .tile, groupTile: Self.small())
                #expect(prepared.plan.kernels == .tile)
                _ = try prepared(theta: theta, phi: phi, g: g)
            }
        }
    }

    /// Every number of one position may be NaN without touching the others' rows.
    @Test func aNaNStaysWhereTheFormulasPutIt() throws {
        let operation = NonLocalOperation()
        var values = try Tensor<Float>.normal(shape: [1, 3, 40], seed: 1).elements
        let phi = try Tensor<Float>(shape: [1, 3, 40], elements: values)
        values[7] = .nan
        let theta = try Tensor<Float>(shape: [1, 3, 40], elements: values)
        let shape = try OperationShape(operation, theta: theta.shape, phi: phi.shape, g: phi.shape)
        for strategy in [Strategy.fused, .staged] {
            let prepared = try PreparedOperation(
                operation, shape, session: TestDevice.session(),
                options: RunOptions(
                    strategy: strategy, kernels: .tile, groupTile: Self.small(), validation: .full,
                    allowsNonFinite: true))
            let y = try prepared(theta: theta, phi: phi, g: phi)
            #expect(y.elements.indices.allSatisfy { y.elements[$0].isNaN == ($0 % 40 == 7) })
        }
    }
}
