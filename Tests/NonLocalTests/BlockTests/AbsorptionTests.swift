import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// Maps of the queries that are applied to the keys: the same z with fewer operations, where keys are few.
@Suite(.needsDevice) struct AbsorptionTests {
    private static let problems: [BlockCase] = [
        BlockCase([1, 1, 1]),
        BlockCase([2, 9, 70]),
        BlockCase([2, 9, 70], biases: false),
        BlockCase([2, 6, 333], norm: .batchNorm) { $0.scale = .inverseSquareRoot },
        BlockCase([1, 300, 20], inner: 140, value: 135),
        BlockCase([1, 5, 260], inner: 3, value: 7) { $0.scale = .factor(-1) },
        BlockCase([2, 7, 41], deviation: 30),
        BlockCase([2, 7, 41], normGroups: 7) { $0.residual = false },
        BlockCase([3, 4, 4, 6]) { $0.subsample = .convFirst },
        BlockCase([2, 4, 4, 6], value: 3) { $0.subsample = .poolFirst },
        BlockCase([2, 4, 2, 5, 4]) { ($0.subsample, $0.pool) = (.convFirst, .window(t: 2, h: 1, w: 2)) },
        BlockCase([2, 4, 3, 30]) { ($0.subsample, $0.pool) = (.convFirst, .window(t: 1, h: 2, w: 20)) },
        BlockCase([2, 4, 2, 3, 5]) { $0.scope = .space },
        BlockCase([2, 4, 3, 4, 6]) { ($0.scope, $0.subsample) = (.space, .convFirst) },
        BlockCase([2, 4, 3, 4, 6]) { ($0.scope, $0.subsample) = (.space, .poolFirst) },
        BlockCase([2, 5, 70]) { $0.pairwise = .gaussian },
        BlockCase([2, 5, 4, 6]) { ($0.pairwise, $0.subsample) = (.gaussian, .convFirst) },
        BlockCase([2, 4, 5, 6], layout: .channelsLast) { $0.subsample = .poolFirst },
        BlockCase([1, 6, 7], norm: .affine, layout: .channelsLast),
        BlockCase([2, 9, 70]) { $0.ownWeight = .exclude },
        BlockCase([2, 9, 70]) { ($0.ownWeight, $0.scale) = (.strongest, .factor(-0.5)) },
    ]

    private func prepared(
        _ problem: BlockCase, _ absorb: Absorption, memoryLimit: Int? = nil, checksums: Checksums = .off
    ) throws -> PreparedBlock {
        try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), strategy: .fused, kernels: .panel, absorb: absorb,
            checksums: checksums, memoryLimit: memoryLimit)
    }

    /// Every row, by the rule for rounding; the same bits each time.
    @Test(arguments: problems) func leavesTheResult(_ problem: BlockCase) throws {
        let absorbing = try prepared(problem, .on)
        #expect(absorbing.plan.absorbed == (problem.configuration.pairwise == .gaussian ? "W_z" : "θ, W_z"))
        #expect(absorbing.plan.form == "panels")
        let x = try problem.input()
        let result = try absorbing.run(x)
        #expect(result.validation.rows == problem.shape.reduce(1, *) / problem.configuration.channels)
        expectSameBits(try absorbing(x).elements, result.output.elements)
        #expect(try prepared(problem, .off).plan.absorbed == nil)
    }

    /// Errors are no larger than without, up to logits of 10⁴ and with a mean that all positions share.
    @Test(arguments: [1.0, 10, 100], [0, 2.0])
    func errorsAreNoLarger(_ deviation: Double, _ mean: Double) throws {
        let problem = BlockCase([1, 64, 20, 20], deviation: deviation, mean: mean * deviation, inner: 32) {
            $0.subsample = .poolFirst
        }
        let x = try problem.input()
        let reference = ReferenceBlock(
            configuration: problem.configuration,
            weights: FoldedWeights(try problem.weights(), pairwise: .embeddedGaussian),
            geometry: try Geometry(problem.configuration, shape: problem.shape))
        let rows = reference.itemRows(x, item: 0, queries: Array(0..<400))
        func error(_ absorb: Absorption) throws -> Double {
            let z = try prepared(problem, absorb)(x).elements
            // The median row's: a single one whose greatest scores are all but the same may have most of the error.
            return (0..<400).map { row in
                (0..<64).reduce(0) { max($0, (Double(z[$1 * 400 + row]) - rows[row, $1]).magnitude) }
            }.sorted()[200]
        }
        let (on, off) = try (error(.on), error(.off))
        #expect(on <= 1.2 * off && off > 0, "\(on), \(off)")
    }

    /// W_θᵀ φ or W_z g beyond float32 where all numbers of the formulas are within it: each map is then applied where
    /// the formulas have it.
    @Test(arguments: ["θ", "W_z"]) func numbersThatDoNotFit(_ map: String) throws {
        let isOutput = map == "W_z"
        // Scores are of the order of one, or all the same, so that y is the mean of numbers of either sign.
        let problem = BlockCase([1, 8, 16, 16], biases: false, deviation: isOutput ? 1 : 0x1p-60) {
            $0.subsample = .poolFirst
            $0.scale = .factor(isOutput ? 0 : 0x1p-70)
        }
        func times(_ factor: Float, _ map: inout BlockWeights.Projection?) throws {
            map = try map.map { .init(weight: try $0.weight.map { $0 * factor }) }
        }
        var weights = try problem.weights()
        var (g, output): (BlockWeights.Projection?, BlockWeights.Projection?) = (weights.g, weights.output)
        if isOutput {
            try times(0x1p64, &g)
            try times(0x1p63, &output)
        } else {
            try times(0x1p70, &weights.theta)
            try times(0x1p120, &weights.phi)
        }
        weights.g = try #require(g)
        weights.output = try #require(output)
        let session = try TestDevice.session()
        let prepared = try NonLocalBlock(problem.configuration, weights: weights).prepared(
            for: problem.shape, on: session, strategy: .fused, kernels: .panel, absorb: .on)
        #expect(prepared.plan.absorbed == "θ, W_z")
        let x = try problem.input()
        for _ in 0..<2 {
            let z = try prepared.run(x)
            #expect(z.validation.rows == 256 && z.output.elements.allSatisfy(\.isFinite))
            #expect(z.absorbed == nil)
        }
        // Where θ and y have no room, the plain kernels do it.
        let tight = try NonLocalBlock(problem.configuration, weights: weights).prepared(
            for: problem.shape, on: session, strategy: .fused, kernels: .panel, absorb: .on,
            memoryLimit: prepared.plan.peakMemory)
        #expect(try tight.run(x).absorbed == nil)
        // What came once need not come again.
        #expect(try prepared.run(x.map { $0 * 0x1p-20 }).absorbed == "θ, W_z")
        // Sums are those of the run that is right.
        func sums(_ absorb: Absorption) throws -> Int {
            let prepared = try NonLocalBlock(problem.configuration, weights: weights).prepared(
                for: problem.shape, on: session, strategy: .fused, kernels: .panel, absorb: absorb,
                checksums: .on)
            return try prepared.run(x).validation.sums
        }
        #expect(try sums(.on) > 0 && sums(.on) == sums(.off))
        // What is wrong there is said of the way that it was computed in.
        let mistaken = KernelSource.panelProjection.text
            .replacing("value += load_some(", with: "value -= load_some(")
        let wrong = try NonLocalBlock(problem.configuration, weights: weights).prepared(
            for: problem.shape, on: TestDevice.session(overriding: [.panelProjection: mistaken]),
            strategy: .fused, kernels: .panel, absorb: .on)
        if !isOutput {
            let message = try #require(failure(.mismatch) { _ = try wrong.run(x) }?.message)
            #expect(message.hasSuffix("strategy fused"))
        }
        // Nothing watches for them there.
        let text = KernelSource.panelAttention.text
        let blind = text.replacing("atomic_or(misfits, 1u)", with: "misfits += 0")
        try #require(blind != text)
        let unwatched = try NonLocalBlock(problem.configuration, weights: weights).prepared(
            for: problem.shape, on: TestDevice.session(overriding: [.panelAttention: blind]),
            strategy: .fused, kernels: .panel, absorb: .on)
        let error = failure(.mismatch) { _ = try unwatched.run(x) }
        #expect(error?.message.contains("strategy fused with θ, W_z absorbed") == true)
    }

    /// A batch in slices, of which the last is smaller.
    @Test func slicesToo() throws {
        let problem = BlockCase([5, 8, 6, 10]) { $0.subsample = .convFirst }
        let whole = try prepared(problem, .on)
        let x = try problem.input()
        let weights = try #require(whole.plan.allocations.first { $0.name == "weights" }).bytes
        let sliced = try prepared(
            problem, .on, memoryLimit: weights + (whole.plan.peakMemory - weights) * 3 / 4)
        #expect(sliced.plan.itemsPerSlice < whole.plan.itemsPerSlice)
        expectSameBits(try sliced(x).elements, try whole(x).elements)
    }

    /// Only one of the maps where only that saves something.
    @Test(arguments: [Subsample.convFirst, .poolFirst], [Scope.spacetime, .space])
    func onlyWhatPays(_ subsample: Subsample, _ scope: Scope) throws {
        for (inner, value, maps) in [(128, 128, "θ, W_z"), (16, 128, "W_z"), (128, 16, "θ"), (16, 16, nil)] {
            let frames = scope == .space ? 2 : 1
            let problem = BlockCase([2, 128, frames, 24, 24], inner: inner, value: value) {
                ($0.subsample, $0.scope) = (subsample, scope)
            }
            let prepared = try prepared(problem, .automatic)
            #expect(prepared.plan.absorbed == maps)
            let x = try problem.input()
            let result = try prepared.run(x)
            #expect(result.absorbed == maps && result.validation.rows == 2 * frames * 24 * 24)
            let summed = try self.prepared(problem, .automatic, checksums: .on).run(x)
            #expect(summed.absorbed == maps && summed.validation.sums > 0)
        }
    }

    /// From one tensor in the device's memory to another, and followed.
    @Test func onTheDeviceAndFollowed() async throws {
        let problem = BlockCase([3, 16, 6, 10]) { $0.subsample = .convFirst }
        let absorbing = try prepared(problem, .on)
        let x = try problem.input()
        let z = try absorbing(x)
        let onDevice = try absorbing.run(absorbing.upload(x))
        #expect(onDevice.report.absorbed == "θ, W_z")
        expectSameBits(try onDevice.output.download().elements, z.elements)
        let followed = try await absorbing.run(x) { _ in }
        expectSameBits(followed.output.elements, z.elements)
    }

    /// What the paper calls its default is where it pays most: M is a quarter of N.
    @Test func thePlanSaysWhatItSaves() throws {
        let problem = BlockCase([1, 1024, 4, 14, 14]) { $0.subsample = .poolFirst }
        let plan = try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), kernels: .panel, validation: .off
        ).plan
        #expect(plan.absorbed == "θ, W_z")
        let (c, d, n, m) = (1024.0, 512.0, 784.0, 196.0)
        #expect(plan.textbookOperations == 2 * (n * c * d + 2 * m * c * d + 2 * n * m * d + n * c * d))
        #expect(plan.executedOperations == 2 * (2 * m * c * d + 2 * m * c * d + 2 * n * m * c))
        #expect(
            plan.steps.map(\.name) == [
                "max_pool", "projection φ", "projection g", "W_θᵀ φ", "W_z g", "affinity", "normalize",
                "aggregate",
            ])
        #expect(plan.description.contains("absorbed: θ, W_z"))
        let alternative = try #require(plan.alternatives.first)
        #expect(alternative.absorbed == nil && alternative.executedOperations == plan.textbookOperations)
        #expect(!plan.allocations.contains { ["theta", "aggregate"].contains($0.name) })
    }

    /// All keys, few channels, or a launch for everything: nothing is absorbed.
    @Test(arguments: [
        BlockCase([1, 1024, 4, 14, 14]),
        BlockCase([1, 8, 32, 32]) { $0.subsample = .convFirst },
        BlockCase([1, 32, 8, 8]) { $0.subsample = .convFirst },
    ]) func whereItDoesNotPayItIsLeft(_ problem: BlockCase) throws {
        let plan = try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), validation: .off
        ).plan
        #expect(plan.strategy == .fused && plan.absorbed == nil)
    }

    @Test func whereItCannotBeDoneItIsRefused() throws {
        let session = try TestDevice.session()
        func refuses(
            _ problem: BlockCase, _ strategy: Strategy = .automatic, _ kernels: KernelClass? = .panel,
            skip: Skipping = .automatic, on session: OpenCLSession?
        ) {
            let error = failure(.configuration) {
                _ = try problem.block().prepared(
                    for: problem.shape, on: session, strategy: strategy, kernels: kernels, skip: skip,
                    absorb: .on)
            }
            #expect(error?.message.contains("absorb") == true)
        }
        let plain = BlockCase([1, 4, 9])
        refuses(BlockCase([1, 4, 9]) { $0.pairwise = .dotProduct }, on: session)
        refuses(BlockCase([1, 4, 9, 3, 3]) { $0.scope = .time }, on: session)
        refuses(plain, .staged, on: session)
        refuses(plain, .automatic, .plain, on: session)
        refuses(plain, .automatic, .tile, on: session)
        refuses(plain, skip: .on, on: session)
        refuses(plain, .automatic, nil, on: nil)
    }

    /// Sums are taken of what is computed, and change nothing of it where there is a kernel a stage.
    @Test func sumsMakeNoDifference() throws {
        let problem = BlockCase([1, 64, 1, 64, 64]) {
            ($0.subsample, $0.pool) = (.poolFirst, .window(t: 1, h: 16, w: 16))
        }
        let plain = try prepared(problem, .automatic)
        #expect(plain.plan.absorbed != nil)
        let summed = try prepared(problem, .automatic, checksums: .on)
        #expect(summed.plan.absorbed == plain.plan.absorbed)
        let (x, result) = (try problem.input(), try summed.run(problem.input()))
        #expect(result.validation.sums > 0)
        expectSameBits(try plain(x).elements, result.output.elements)
    }

    /// What shares of keys leave is merged with the residual, on devices of so many cores that they share keys.
    @Test func aMistakeInMergingIsCaught() throws {
        func failures(_ session: OpenCLSession) throws -> [String] {
            try VerificationProblems(session: session, kernels: .panel).panelProblems
                .filter { $0.problem.contains("bias and residual") }
                .filter { problem in
                    let result = try problem.compute()
                    return !(result.error <= result.tolerance)
                }.map(\.problem)
        }
        #expect(try failures(TestDevice.session()).isEmpty)
        let mutated = try TestDevice.session(
            planting: "if (from) sum -=", for: "if (from) sum +=", in: .panelMerge)
        let found = try failures(mutated)
        #expect(found.count == 1 && found[0].contains("16 workers"), "\(found)")
    }

    /// The command that a mismatch names absorbs the same maps.
    @Test(arguments: [(Absorption.on, "--absorb on"), (.off, "--absorb off")])
    func aMismatchNamesThem(_ absorb: Absorption, _ option: String) throws {
        let problem = BlockCase([2, 9, 70])
        let session = try TestDevice.session(
            planting: "l = weight;", for: "l += weight;", in: .panelAttention)
        let prepared = try problem.block().prepared(
            for: problem.shape, on: session, strategy: .fused, kernels: .panel, absorb: absorb, form: .panels)
        let error = failure(.mismatch) { _ = try prepared.run(problem.input()) }
        #expect(error?.advice.contains("--strategy fused \(option) ") == true, "\(error?.advice ?? "")")
    }

    /// Chosen queries and maps of attention have θ of their own.
    @Test func chosenQueriesAndAttention() throws {
        let problem = BlockCase([2, 64, 1, 16, 16]) { $0.subsample = .convFirst }
        let absorbing = try prepared(problem, .on)
        let x = try problem.input()
        let all = try absorbing.run(x).output
        let chosen = try absorbing.run(x, queries: [3, 200])
        #expect(chosen.validation.rows == 4)
        let expected = all.elements.enumerated().filter { [3, 200].contains($0.offset % 256) }
        expectClose(chosen.output.elements, expected.map { Double($0.element) }) { _ in 1e-4 }
        #expect(try absorbing.attention(x, queries: [5]).shape == [2, 1, 64])
    }
}
