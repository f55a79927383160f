import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// Sums over all rows: right results pass whatever their sizes, mistakes are found by them alone.
@Suite(.needsDevice) struct ChecksumTests {
    private func prepared(
        _ problem: BlockCase, _ kernels: KernelClass? = nil, strategy: Strategy = .automatic,
        _ policy: MismatchPolicy = .fail, absorb: Absorption = .off, form: FusedForm? = nil,
        memoryLimit: Int? = nil, allowNonFinite: Bool = false, on session: OpenCLSession? = nil
    ) throws -> PreparedBlock {
        try problem.block().prepared(
            for: problem.shape, on: session ?? TestDevice.session(), strategy: strategy, kernels: kernels,
            skip: .off, absorb: absorb, validation: .off, checksums: .on, onMismatch: policy,
            memoryLimit: memoryLimit,
            allowNonFinite: allowNonFinite, form: form, testsKernels: false)
    }

    private static func pooled(
        _ shape: [Int], _ order: Subsample = .convFirst, normGroups: Int = 0, inner: Int? = nil,
        value: Int? = nil, layout: Layout = .channelsFirst,
        _ change: (inout NonLocalBlock.Configuration) -> Void = { _ in }
    ) -> BlockCase {
        BlockCase(shape, normGroups: normGroups, inner: inner, value: value, layout: layout) {
            $0.subsample = order
            change(&$0)
        }
    }

    private static func own(_ ownWeight: OwnWeight) -> BlockCase {
        BlockCase([2, 4, 70]) {
            $0.ownWeight = ownWeight
            $0.scale = .factor(-0.5)
        }
    }

    static let problems = [
        BlockCase([2, 9, 70]), BlockCase([1, 4, 500]), BlockCase([1, 300, 20]), BlockCase([1, 1, 1]),
        BlockCase([3, 5, 1]), BlockCase([1, 2, 2000]), BlockCase([2, 6, 70], normGroups: 2, mean: 1),
        BlockCase([2, 40, 3, 5, 7], norm: .batchNorm, inner: 150, value: 19) { $0.scope = .space },
        BlockCase([2, 5, 6, 3, 7], value: 3) { $0.scope = .time },
        BlockCase([1, 5, 4, 6], layout: .channelsLast) { $0.residual = false },
        BlockCase([2, 9, 70]) { $0.pairwise = .gaussian },
        BlockCase([2, 9, 70]) { $0.pairwise = .dotProduct },
        BlockCase([2, 9, 70]) { $0.pairwise = .concatenation },
        BlockCase([2, 4, 70]) {
            $0.pairwise = .generic(
                .negativeSquaredDistance, weight: PairwiseFormTests.weight("exp(s)"), normalizer: .sum)
            $0.scale = .factor(0.5)
        },
        own(.exclude), own(.strongest),
        pooled([2, 9, 1, 26, 40], inner: 150, value: 19), pooled([2, 6, 2, 8, 10]) { $0.scope = .space },
        pooled([1, 4, 5, 6, 7]) { $0.scope = .time }, pooled([2, 4, 6, 10], .poolFirst),
        pooled([2, 6, 4, 9, 6], .poolFirst, normGroups: 2, layout: .channelsLast),
        pooled([2, 3, 7, 9, 6], layout: .channelsLast) { $0.pairwise = .gaussian },
        pooled([1, 4, 1, 3, 60]) { $0.pool = .window(t: 1, h: 1, w: 30) },
        pooled([1, 4, 6, 10]) { $0.pairwise = .concatenation },
        // One sign, far from zero, far apart; scores that leave a query one key; below what squares can be.
        BlockCase([1, 200, 300], biases: false, mean: 40), BlockCase([1, 8, 300], deviation: 50),
        BlockCase([1, 8, 300], biases: false, deviation: 1e-12),
        BlockCase([1, 8, 300], biases: false, deviation: 1e-22),
        BlockCase([1, 8, 300], deviation: 1e12) { $0.scale = .factor(1e-24) },
    ]

    /// With maps of the queries applied to φ and g, those of them that can be.
    @Test(arguments: absorbingProblems) func rightResultsPassWithAbsorbedMaps(_ problem: BlockCase) throws {
        let prepared = try prepared(problem, .panel, strategy: .fused, absorb: .on)
        let maps = problem.configuration.pairwise == .gaussian ? "W_z" : "θ, W_z"
        #expect(prepared.plan.absorbed == maps)
        let result = try prepared.run(problem.input())
        #expect(result.absorbed == maps)
        #expect(result.validation.rows == 0 && result.validation.sums > 0)
        #expect((result.validation.maxSumError ?? 2) <= 1)
    }

    static let absorbingProblems = problems.filter {
        $0.configuration.pairwise.formulation == Pairwise.embeddedGaussian.formulation
            && $0.configuration.scope != .time
    }

    /// The warp kernels' twin is slow to build; what it has of its own are the projections.
    @Test(arguments: problems, [KernelClass.panel, .tile, .plain])
    func rightResultsPass(_ problem: BlockCase, _ kernels: KernelClass) throws {
        var strategies: [Strategy] = [.automatic, .staged]
        if kernels == .panel, problem.configuration.pairwise == .dotProduct {
            strategies.append(.reassociated)
        }
        for strategy in strategies {
            let prepared = try prepared(problem, kernels, strategy: strategy)
            let validation = try prepared.run(problem.input()).validation
            #expect(validation.rows == 0 && validation.sums > 0, "\(strategy)")
            #expect((validation.maxSumError ?? 2) <= 1)
        }
    }

    @Test func rightProjectionsOnTensorCoresPass() throws {
        for problem in [BlockCase([2, 9, 70]), Self.pooled([1, 6, 4, 9, 6])] {
            let validation = try prepared(problem, .warp).run(problem.input()).validation
            #expect(validation.sums > 0 && (validation.maxSumError ?? 2) <= 1)
        }
    }

    /// Work-items that share the keys of a query, and slices of the batch.
    @Test(arguments: [true, false], [Absorption.off, .on])
    func partsAreJoined(sharesHostMemory: Bool, _ absorb: Absorption) throws {
        let session = try OpenCLSession(TestDevice.session().device, sharesHostMemory: sharesHostMemory)
        let problem = BlockCase([5, 6, 400])
        let strategy = absorb == .on ? Strategy.fused : .automatic
        let kernels: KernelClass? = absorb == .on ? .panel : nil
        let whole = try prepared(problem, kernels, strategy: strategy, absorb: absorb, on: session)
        let sliced = try prepared(
            problem, kernels, strategy: strategy, absorb: absorb, memoryLimit: whole.plan.peakMemory * 2 / 3,
            on: session)
        #expect(sliced.plan.itemsPerSlice < whole.plan.itemsPerSlice)
        let x = try problem.input()
        let sums = try whole.run(x).validation.sums
        #expect(sums > 0)
        for _ in 0..<2 { #expect(try sliced.run(x).validation.sums == sums) }
        #expect(try sliced.run(sliced.upload(x)).report.validation.sums == sums)
        let few = BlockCase([1, 6, 2, 300], inner: 8) {
            $0.subsample = .poolFirst
            $0.pool = .window(t: 1, h: 2, w: 1)
        }
        let shared = try prepared(few, kernels, strategy: strategy, absorb: absorb, on: session)
        #expect(try shared.run(few.input()).validation.sums > 0)
    }

    @Test func chosenQueriesHaveNone() throws {
        let problem = BlockCase([2, 9, 70])
        let result = try prepared(problem).run(problem.input(), queries: [3, 60])
        #expect(result.validation.sums == 0 && result.output.shape == [2, 9, 2])
    }

    /// Whose squares are beyond float32, and whose results are not.
    @Test func ofHugeNumbersNothingIsSaid() throws {
        let problem = BlockCase([1, 8, 300], biases: false, deviation: 1e25) { $0.scale = .factor(1e-30) }
        #expect(try prepared(problem).run(problem.input()).validation.sums == 0)
    }

    /// Where x is no number nothing can be said, elsewhere it is.
    @Test func notANumberIsNoMismatch() throws {
        let problem = BlockCase([1, 6, 60]) { $0.pairwise = .dotProduct }
        let prepared = try prepared(problem, strategy: .staged, allowNonFinite: true)
        var elements = try problem.input().elements
        (elements[3], elements[70]) = (.nan, .infinity)
        let x = try Tensor(shape: problem.shape, elements: elements)
        let some = try prepared.run(x).validation.sums
        #expect(some > 0)
        #expect(try prepared.run(problem.input()).validation.sums > some)
    }

    struct Mistake: CustomTestStringConvertible, Sendable {
        let source: KernelSource
        let text: String
        let replacement: String
        let stages: Set<Mismatch.Stage>
        var kernels = KernelClass.panel
        var strategy = Strategy.automatic
        var problem = BlockCase([2, 40, 500])
        var absorb = Absorption.off

        var testDescription: String { "\(source.fileName): \(text) → \(replacement)" }
    }

    static let mistakes = [
        // Projections: a bias left out, a term too few, a store in a neighbour's place.
        Mistake(
            source: .panelProjection, text: "+ bias[row]", replacement: "", stages: [.thetaSum]),
        Mistake(
            source: .panelTile, text: "for (int k = 0; k < terms; k++) {\n            const Lanes x",
            replacement: "for (int k = 1; k < terms; k++) {\n            const Lanes x",
            stages: [.thetaSum]),
        Mistake(
            source: .panelPack, text: "+ c % ROWS;\n    const long first",
            replacement: "+ (c + 1) % ROWS;\n    const long first", stages: [.gSum]),
        Mistake(
            source: .projection, text: "c < last", replacement: "c < last - 1", stages: [.thetaSum],
            kernels: .plain, strategy: .staged),
        Mistake(
            source: .projection, text: "+ residual[AT", replacement: "- residual[AT", stages: [.resultSum],
            kernels: .plain, strategy: .staged),
        Mistake(
            source: .tileProduct, text: "value += bias[", replacement: "value -= bias[", stages: [.thetaSum],
            kernels: .tile),
        // Affinities.
        Mistake(
            source: .panelAttention, text: "terms, vectors);\n            part += terms * ROWS;",
            replacement: "terms - 1, vectors);\n            part += terms * ROWS;",
            stages: [.affinitySum]),
        Mistake(
            source: .tileAttention, text: "SCALED_BACK(s[r][0], units)", replacement: "s[0][0]",
            stages: [.affinitySum], kernels: .tile),
        Mistake(
            source: .affinity, text: "c < last", replacement: "c < last - 1", stages: [.affinitySum],
            kernels: .plain, strategy: .staged),
        // Softmax.
        Mistake(
            source: .panelAttention, text: "l += weight;", replacement: "l = weight;", stages: [.weightSum]),
        Mistake(
            source: .panelAttention, text: "fma(state[VECTORS + v], rescale[v], weigh",
            replacement: "fma(state[VECTORS + v], (Lanes)(1.0f), weigh", stages: [.weightSum]),
        Mistake(
            source: .tileAttention, text: "l * rescale + sum", replacement: "l + sum", stages: [.weightSum],
            kernels: .tile),
        Mistake(
            source: .softmax, text: "sum += part;", replacement: "sum = part;", stages: [.weightSum],
            kernels: .plain, strategy: .staged),
        Mistake(
            source: .tileSoftmax, text: "sum * score_weight(m, high, size) + part", replacement: "part",
            stages: [.weightSum],
            kernels: .tile, strategy: .staged),
        // The aggregate.
        Mistake(
            source: .panelAttention, text: "fma(sums[r * VECTORS + v], rescale[v], a[r][v])",
            replacement: "fma(sums[r * VECTORS + v], (Lanes)(1.0f), a[r][v])", stages: [.aggregateSum]),
        Mistake(
            source: .panelAttention, text: "multiply(a, g, p, keys, vectors);",
            replacement: "multiply(a, g, p, keys - 1, vectors);", stages: [.aggregateSum]),
        Mistake(
            source: .tileAttention, text: "total[v][r] * rescale + part", replacement: "total[v][r] + part",
            stages: [.aggregateSum], kernels: .tile),
        Mistake(
            source: .aggregate, text: "j < last", replacement: "j < last - 1", stages: [.aggregateSum],
            kernels: .plain, strategy: .staged),
        // W_z.
        Mistake(
            source: .panelProjection, text: "value += load_some(\n", replacement: "value -= load_some(\n",
            stages: [.resultSum]),
        // Maps of the queries applied to the keys: what they make, the bias of the scores, what is added to it.
        Mistake(
            source: .panelProjection, text: "+ bias[row]", replacement: "", stages: [.absorbedOutputSum],
            problem: absorbing, absorb: .on),
        Mistake(
            source: .panelPack, text: "n / ROWS * terms + c - first",
            replacement: "n / ROWS * terms + (c ^ 1) - first", stages: [.absorbedThetaSum],
            problem: absorbing, absorb: .on),
        Mistake(
            source: .panelAttention, text: "(Lanes)(halving * bias[j * step])",
            replacement: "(Lanes)(halving * bias[0])", stages: [.affinitySum],
            absorb: .on),
        Mistake(
            source: .panelAttention, text: "terms, vectors);\n            part += terms * ROWS;",
            replacement: "terms - 1, vectors);\n            part += terms * ROWS;",
            stages: [.affinitySum], problem: absorbing, absorb: .on),
        Mistake(
            source: .panelAttention, text: "if (residual) sum +=", replacement: "if (residual) sum -=",
            stages: [.resultSum], problem: absorbing, absorb: .on),
        Mistake(
            source: .panelAttention, text: "multiply(a, g, p, keys, vectors);",
            replacement: "multiply(a, g, p, keys - 1, vectors);", stages: [.resultSum], problem: absorbing,
            absorb: .on),
    ]

    /// The norm's is the only bias, so that one that is left out shows where W_z is applied to g.
    private static let absorbing = BlockCase([2, 40, 500], biases: false, norm: .batchNorm)

    @Test(arguments: mistakes) func mistakesAreFoundBySumsAlone(_ mistake: Mistake) throws {
        let session = try TestDevice.session(
            planting: mistake.replacement, for: mistake.text, in: mistake.source)
        let prepared = try prepared(
            mistake.problem, mistake.kernels, strategy: mistake.strategy, absorb: mistake.absorb,
            form: .panels, on: session)
        let found = failure(.mismatch) { _ = try prepared.run(mistake.problem.input()) }?.mismatch
        #expect(found.map { mistake.stages.contains($0.stage) } == true, "\(String(describing: found))")
    }

    /// A sum that is itself taken wrongly is no sum to go by.
    @Test(arguments: [
        (KernelSource.checksum, "c += STEP) {", "c += 2 * STEP) {"),
        (.panelChecksum, "sum[i + r] += value;", "sum[i + r] = value;"),
        (.panelSums, "sums[v] += sum[0][v]", "sums[v] = sum[0][v]"),
        (.panelSums, "values[(j + h) * step]", "values[0]"),
        (.tileSums, "+= slices[row", "= slices[row"),
    ]) func wrongSumsAreNoticed(_ source: KernelSource, _ text: String, _ replacement: String) throws {
        let session = try TestDevice.session(planting: replacement, for: text, in: source)
        let problem = BlockCase([2, 40, 500])
        let kernels = source == .tileSums ? KernelClass.tile : .panel
        #expect(
            failure(.mismatch) { _ = try prepared(problem, kernels, on: session)(problem.input()) } != nil)
    }

    @Test func theErrorSaysWhereAndHow() throws {
        let session = try TestDevice.session(
            planting: "keys - 1, vectors);\n        g +=", for: "keys, vectors);\n        g +=",
            in: .panelAttention)
        let problem = BlockCase([2, 40, 500])
        let prepared = try prepared(problem, .panel, on: session)
        let error = try #require(failure(.mismatch) { _ = try prepared(problem.input()) })
        let mismatch = try #require(error.mismatch)
        #expect(mismatch.stage == .aggregateSum && mismatch.stage.isSum)
        #expect((0..<2).contains(mismatch.item) && (0..<500).contains(mismatch.row))
        #expect(mismatch.relativeError > mismatch.tolerance && mismatch.tolerance > 0)
        let device = session.device.name
        #expect(
            error.message.hasPrefix(
                "the sum of y by '\(device)' differs from what it has to agree with: "
                    + "item \(mismatch.item), row \(mismatch.row): expected \(mismatch.expected), "
                    + "actual \(mismatch.actual), error"), "\(error.message)")
        #expect(error.message.hasSuffix("strategy fused"))
        #expect(
            error.advice.contains("`nonlocal bench --shape 2x40x500")
                && error.advice.contains("--checksums on"))
    }

    @Test func policiesHold() throws {
        let session = try TestDevice.session(planting: "", for: "+ bias[row]", in: .panelProjection)
        let problem = BlockCase([2, 40, 500])
        let x = try problem.input()
        let retried = try prepared(problem, .panel, .retry, on: session)
        #expect(failure(.mismatch) { _ = try retried(x) }?.mismatch?.stage == .thetaSum)
        #expect(failure(.mismatch) { _ = try retried(retried.upload(x)) }?.mismatch?.stage == .thetaSum)
        let recomputed = try prepared(problem, .panel, .recompute, on: session).run(x)
        #expect(recomputed.report.recoveredFrom?.stage == .thetaSum)
        #expect(try recomputed.output == problem.prepared(on: .reference)(x))
    }
}
