import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// Mistakes planted in every kernel: the comparison with the reference has to catch each. None of them writes
/// outside of its buffers, which would bring down the tests instead.
@Suite(.needsDevice) struct MutationTests {
    struct Mutation: CustomTestStringConvertible, Sendable {
        let source: KernelSource
        let text: String
        let replacement: String
        let problem: BlockCase
        var queries: [Int]?
        var skip: Skipping
        var absorb: Absorption

        init(
            _ source: KernelSource, _ text: String, _ replacement: String, _ problem: BlockCase,
            queries: [Int]? = nil, skip: Skipping = .automatic, absorb: Absorption = .automatic
        ) {
            (self.source, self.text, self.replacement) = (source, text, replacement)
            (self.problem, self.queries, self.skip, self.absorb) = (problem, queries, skip, absorb)
        }

        /// The one that has the kernel.
        var strategy: Strategy {
            if KernelSource.panel.dropFirst().contains(source) {
                return problem.configuration.pairwise == .dotProduct ? .reassociated : .fused
            }
            return source != .view && KernelSource.sorted.contains(source) ? .sorted : .staged
        }

        /// The one that has the kernel.
        var form: FusedForm? { [.panelBlock, .panelTime].contains(source) ? nil : .panels }

        /// What it is noticed in.
        var testCase: String { problem.testDescription + (absorb == .on ? ", maps absorbed" : "") }

        var testDescription: String { "\(source.fileName): \(text) → \(replacement)" }
    }

    private static let plain = BlockCase([2, 9, 70])
    /// More keys than a block has, and more positions than a panel.
    private static let wide = BlockCase([1, 4, 500])
    /// More positions than a work-item projects at once, on a device of many cores too.
    private static let wider = BlockCase([1, 4, 5000])
    /// More channels than a part has.
    private static let deep = BlockCase([1, 300, 20])
    /// More channels than a part has, and so many rows that each work-item has several blocks of them.
    private static let deepWide = BlockCase([1, 300, 1200])
    private static let negative = BlockCase([2, 9, 70]) { $0.scale = .factor(-1) }
    /// All scores are so far below zero that a key too many, with a score of zero, leaves nothing of them.
    private static let farBelowZero = BlockCase([1, 40, 70], mean: 3) {
        $0.pairwise = .gaussian
        $0.scale = .factor(-1)
    }
    private static let video = BlockCase([2, 4, 2, 3, 5]) { $0.scope = .space }
    private static let pooled = BlockCase([2, 4, 4, 6]) { $0.subsample = .convFirst }
    /// Whose φ and g are packed by themselves.
    private static let timeScope = BlockCase([2, 4, 13, 3, 2]) { $0.scope = .time }
    /// More pixels than a vector has, and frames than are taken together.
    private static let pixels = BlockCase([2, 5, 6, 3, 7], value: 3) { $0.scope = .time }
    private static func ownPixels(_ ownWeight: OwnWeight) -> BlockCase {
        BlockCase([1, 4, 5, 4, 4]) {
            $0.scope = .time
            $0.ownWeight = ownWeight
        }
    }
    private static let deepPixels = BlockCase([1, 300, 3, 4, 4], inner: 150) { $0.scope = .time }
    private static let negativePixels = BlockCase([1, 4, 5, 4, 4]) {
        $0.scope = .time
        $0.scale = .factor(-1)
    }
    private static let pooledWide = BlockCase([1, 4, 4, 70]) { $0.subsample = .convFirst }
    private static let pooledByThree = BlockCase([1, 4, 4, 13]) {
        ($0.subsample, $0.pool) = (.convFirst, .window(t: 1, h: 1, w: 3))
    }
    private static let pooledFrames = BlockCase([2, 4, 2, 6, 6]) {
        $0.subsample = .convFirst
        $0.scope = .space
    }
    private static let dotProduct = BlockCase([2, 9, 70]) { $0.pairwise = .dotProduct }
    /// Frames, each of which has a matrix of its own.
    private static let framesOfProducts = BlockCase([1, 4, 3, 4, 5]) {
        ($0.pairwise, $0.scope) = (.dotProduct, .space)
    }
    /// So many inner channels that θ is not worth computing.
    private static let wholeProduct = BlockCase([2, 9, 70], inner: 8) { $0.pairwise = .dotProduct }
    /// More positions than two runs of parts have.
    private static let manyParts = BlockCase([1, 3, 33_000]) { $0.pairwise = .dotProduct }
    private static let concatenation = BlockCase([2, 9, 70]) { $0.pairwise = .concatenation }
    /// Channels of g in both halves of a vector, and beyond it.
    private static let sorted = BlockCase([2, 40, 70]) { $0.pairwise = .concatenation }
    private static let sortedPooled = BlockCase([2, 40, 70]) {
        $0.pairwise = .concatenation
        $0.subsample = .poolFirst
        $0.pool = .flat(3)
    }
    private static let sum = BlockCase([2, 4, 70]) {
        $0.pairwise = .generic(
            .negativeSquaredDistance, weight: PairwiseFormTests.weight("exp(s)"), normalizer: .sum)
        $0.scale = .factor(0.5)
    }
    private static let normed = BlockCase([2, 6, 70], normGroups: 2, mean: 1)

    /// Affinities of many hundreds, which leave each query few keys, and of some tens.
    private static let far = BlockCase([2, 2, 700], deviation: 30) { $0.pairwise = .gaussian }
    private static let near = BlockCase([2, 2, 700], deviation: 3) { $0.pairwise = .gaussian }

    private static func own(_ ownWeight: OwnWeight, _ factor: Double = 1) -> BlockCase {
        BlockCase([2, 4, 70]) {
            $0.ownWeight = ownWeight
            $0.scale = .factor(factor)
        }
    }

    static let mutations = [
        Mutation(.view, "(n) * (v).s4", "(n)", BlockCase([1, 5, 4], layout: .channelsLast)),
        Mutation(.view, "((k) / (v).s5) * (v).s1", "0", plain),
        Mutation(.view, "((k) % (v).s5) * (v).s2", "0", video),
        Mutation(.groupNorm, "factor = scale[c]", "factor = 1.0f", normed),
        Mutation(.groupNorm, "term = shift[c]", "term = 0.0f", normed),
        Mutation(.groupNorm, "1.0f / sqrt(variance + epsilon)", "1.0f / (variance + epsilon)", normed),
        Mutation(.groupNorm, "mean + rest, 1), scratch)", "0.0f, 1), scratch)", normed),
        Mutation(.groupNorm, "half_ > 0", "half_ > 1", normed),
        Mutation(.groupNorm, "(long)group * channelsPerGroup", "0 * channelsPerGroup", normed),
        Mutation(.gather, "index[item * indexStride + k]", "index[0]", plain, queries: [3, 5]),
        Mutation(.gather, "AT(xView, c, index[", "AT(xView, 0, index[", plain, queries: [3, 5]),
        Mutation(.maxPool, "h0 + window.y", "h0 + window.y - 1", pooled),
        Mutation(.maxPool, "k % pooledW * window.z", "k % pooledW", pooled),
        Mutation(.maxPool, "value > result", "value < result", pooled),
        Mutation(.projection, "total[r] + bias[firstRow + r]", "total[r]", plain),
        Mutation(.projection, "c < last", "c < last - 1", plain),
        Mutation(.projection, "+ residual[AT", "- residual[AT", plain),
        Mutation(.projection, "min(firstRow + r, outputs - 1)", "firstRow", plain),
        Mutation(.affinity, "c < last", "c < last - 1", plain),
        Mutation(.affinity, "= query + phi", "= query - phi", concatenation),
        Mutation(.affinity, "? -(a - b)", "? (a - b)", sum),
        Mutation(.affinity, "min(firstKey + r, keys - 1)", "min(firstKey + r, keys - 2)", plain),
        Mutation(
            .affinity, "firstRow + i", "i",
            BlockCase([1, 4, 3000]) {
                $0.subsample = .poolFirst; $0.pool = .flat(2)
            }),
        Mutation(.pairwiseWeight, "WEIGHT((scale * s[at]))", "WEIGHT(s[at])", sum),
        Mutation(.pairwiseWeight, "WEIGHT((scale * s[at]))", "(scale * s[at])", concatenation),
        Mutation(.ownWeight, "j != self", "j >= 0", own(.strongest)),
        Mutation(.ownWeight, "sign * strongest;", "0.0f;", own(.strongest)),
        Mutation(.ownWeight, "? INFINITY : -INFINITY", "? INFINITY : 0.0f", own(.exclude)),
        Mutation(.ownWeight, "scale < 0.0f ? -1.0f : 1.0f", "1.0f", own(.strongest, -1)),
        Mutation(.ownWeight, "own[firstRow + i]", "0", own(.exclude)),
        Mutation(.softmax, "scale * 2.0f", "scale", plain),
        Mutation(.softmax, "int j = 1;", "int j = keys;", BlockCase([1, 4, 70], deviation: 100)),
        Mutation(.softmax, "part += weight;", "part = weight;", plain),
        Mutation(.softmax, "scale < 0.0f ?", "scale > 0.0f ?", BlockCase([1, 4, 70], deviation: 100)),
        Mutation(.normalize, "*= factor", "*= 1.0f", dotProduct),
        Mutation(.normalize, "sum += part;", "sum = part;", sum),
        Mutation(.aggregate, "j < last", "j < last - 1", dotProduct),
        Mutation(.aggregate, "min(firstChannel + r, valueChannels - 1)", "firstChannel", plain),
        Mutation(.aggregate, "total[r] += part[r]", "total[r] = part[r]", plain),
        Mutation(.panelTile, "k < terms", "k < terms - 1", plain),
        Mutation(.panelTile, "columns += VECTORS", "columns += 1", plain),
        Mutation(.panelTile, "i < count ? p[i * step] : 0.0f", "p[0]", plain),
        Mutation(.panelTile, "min((long)LANES, count)", "min((long)LANES, count - 1)", plain),
        Mutation(.panelTile, "x += first * view.s4", "x += 0", wide),
        Mutation(.panelTile, "(count + LANES - 1) / LANES", "count / LANES", plain),
        Mutation(.panelTile, "b[r] = fma(", "b[r] = -fma(", plain),
        Mutation(.panelPack, "get_global_id(1) * DEPTH", "0", deep),
        Mutation(.panelPack, "c / DEPTH * DEPTH, terms", "0, terms", deep),
        // How lanes are stored depends on whether they are whole tiles: that they are the right ones does not.
        Mutation(
            .panelPack, "        const long step = ROWS",
            "        for (int i = 4; i < LANES; i++) lane[i] = lane[i % 4];\n        const long step = ROWS",
            wide),
        Mutation(.panelPack, "min((long)DEPTH, view.s3 - c / DEPTH * DEPTH)", "1", wide),
        Mutation(.panelPack, "n / ROWS * terms", "n / ROWS", wide),
        Mutation(.panelPack, "* KEYS + n % KEYS", "* KEYS", wide),
        Mutation(.panelPack, "c < channels ? keys - n : 0", "keys - n - 1", timeScope),
        Mutation(.panelPool, "value > m ||", "value < m ||", pooled),
        Mutation(.panelPool, "(m.odd, next.odd)", "(m.even, next.even)", pooled),
        Mutation(.panelPool, "n + LANES, grid", "n, grid", pooledWide),
        Mutation(.panelPool, "int i = 1; i < columns", "int i = 1; i < 1", pooledByThree),
        Mutation(.panelPool, "first + columns > LANES", "first + 2 * columns > LANES", pooledByThree),
        Mutation(.panelPool, "w * window.z;", "w;", pooledWide),
        Mutation(.panelPool, "group++;", "group += 0;", pooledFrames),
        Mutation(.panelPool, "first += LANES;", "first += 0;", pooledWide),
        Mutation(.panelPool, "STORE(LOAD(result + LANES), result);", "", pooledWide),
        Mutation(
            .panelPack, "x[k * term + (whole * ROWS + r) * row]", "x[k * term + r * row]", timeScope),
        Mutation(.panelPack, "GROUP(view, group)", "GROUP(view, 0)", timeScope),
        Mutation(.panelProjection, "+ bias[row]", "+ 0.0f", plain),
        Mutation(.panelProjection, "(firstTile + tile) * ROWS", "firstTile * ROWS", plain),
        Mutation(.panelProjection, "if (first > 0)", "if (first > DEPTH)", deep),
        Mutation(.panelProjection, "value += load_some(", "value -= load_some(", plain),
        Mutation(.panelProjection, "columns != packed", "packed < 0", wider),
        Mutation(.panelProjection, "(long)first * panelCount * VECTORS", "0", deepWide),
        Mutation(.panelAttention, "j + r < keys", "j + r <= keys", farBelowZero),
        Mutation(.panelAttention, "fma(sums[r * VECTORS + v], rescale[v], a[r][v])", "a[r][v]", wide),
        Mutation(.panelAttention, "l += weight;", "l = weight;", plain),
        Mutation(.panelAttention, "scale < 0.0f ? -0.5f : 0.5f", "0.5f", negative),
        Mutation(
            .panelAttention, "fma(state[VECTORS + v], rescale[v], weigh(", "(weigh(", wide),
        Mutation(.panelAttention, "= -INFINITY;", "= 0.0f;", own(.exclude)),
        Mutation(.panelAttention, "state[VECTORS + v] + 1.0f", "state[VECTORS + v]", own(.strongest)),
        Mutation(.panelAttention, "* KEYS + j % KEYS", "* KEYS", own(.strongest)),
        Mutation(.panelAttention, "(halving * bias[j * step])", "(bias[j * step])", wide, absorb: .on),
        Mutation(.panelAttention, "bias + firstKey * biasStep", "bias", wide, absorb: .on),
        Mutation(.panelAttention, "bias + GROUP(biasView, group)", "bias", video, absorb: .on),
        Mutation(.panelAttention, "if (residual) sum +=", "if (!residual) sum +=", plain, absorb: .on),
        Mutation(.panelAttention, "residual + GROUP(residualView, group)", "residual", video, absorb: .on),
        Mutation(.panelTime, "min(t + i, queries - 1)", "t", pixels),
        Mutation(.panelTime, "min(u + k, keys - 1)", "u", pixels),
        Mutation(.panelTime, "min(c + k, valueChannels - 1)", "c", pixels),
        Mutation(.panelTime, "int n = repeated", "int n = LANES - 1", pixels),
        Mutation(.panelTime, "/ vectors * pixels", "/ vectors * 0", pixels),
        Mutation(.panelTime, "total[i] += weight", "total[i] = weight", pixels),
        Mutation(.panelTime, "sums[k][i] += a[k][i]", "sums[k][i] = a[k][i]", deepPixels),
        Mutation(.panelTime, "(Lanes)(-INFINITY)", "(Lanes)(0.0f)", ownPixels(.exclude)),
        Mutation(.panelTime, "? (Lanes)(1.0f)", "? (Lanes)(0.0f)", ownPixels(.strongest)),
        Mutation(.panelTime, "scale < 0.0f ? -0.5f : 0.5f", "0.5f", negativePixels),
        Mutation(.panelBlock, "view.s0 = GROUP(view, group)", "view.s0 = GROUP(view, 0)", plain),
        Mutation(.panelBlock, "const long item = block", "const long item = 0", plain),
        Mutation(.panelBlock, "addsResidual ? residual : 0", "0", plain),
        Mutation(.panelBlock, "addsResidual ? residual : 0", "x", normed),
        Mutation(.panelBlock, "channel < width + valueChannels", "channel < width", pooled),
        Mutation(.panelBlock, "positions, keys, scale", "positions, keys - 1, scale", plain),
        Mutation(.gather, "AT(yView, c, index[item * indexStride + k])", "AT(yView, c, k)", far, skip: .on),
        Mutation(.panelOrder, "order[j++] = position", "order[j++] = order[i]", far, skip: .on),
        Mutation(.panelOrder, "order[i] = i", "order[i] = 0", far, skip: .on),
        Mutation(.panelSkip, "high + wider", "low - wider", far, skip: .on),
        Mutation(.panelSkip, "low - wider", "high + wider", far, skip: .on),
        Mutation(.panelSkip, "firstKey + j)", "firstKey)", far, skip: .on),
        Mutation(
            .panelSkip, "? number : (Lanes)(0.0f)", "? (Lanes)(0.0f) : (Lanes)(0.0f)", far, skip: .on),
        Mutation(.panelSkip, "(Lanes)(0x1p-24f)", "(Lanes)(0x1p-2f)", near, skip: .on),
        Mutation(.panelSkip, "isNearest |=", "isNearest &=", near, skip: .on),
        Mutation(.panelSkip, "if (!isNew) continue;", "", near, skip: .on),
        Mutation(.panelSkip, "i += LANES) {", "i += PANEL) {", near, skip: .on),
        Mutation(
            .panelMerge, "l = fma(state[VECTORS], state[0], l);", "l = state[VECTORS];", wide,
            queries: [3, 5]),
        Mutation(.panelMerge, "sum = fma(", "sum = -fma(", wide, queries: [3, 5]),
        Mutation(.sortKey, "bits & SIGN ? ~0u : SIGN", "0u", sorted),
        Mutation(.sort, "isTheta ? 0u : ~0u", "0u", sorted),
        Mutation(.sort, "x[n * view.s4]", "x[0]", sorted),
        Mutation(.sortKey, "unflipped & SIGN ? SIGN : ~0u", "SIGN", sorted),
        Mutation(.sort, "(isTheta ? theta : phi) + GROUP(view, group)", "(isTheta ? theta : phi)", sorted),
        Mutation(.sort, "(uint2)(key, n)", "(uint2)(key, 0)", sorted),
        Mutation(.sortedAggregate, "b <= -a", "b <= a", sorted),
        Mutation(.sortedAggregate, "(double)last - b", "(double)b - last", sorted),
        Mutation(.sortedAggregate, "(double)a + last", "(double)a", sorted),
        Mutation(.sortedAggregate, "last = b;", "last = a;", sorted),
        Mutation(.sortedAggregate, "+= TO_DOUBLES(value.hi)", "+= TO_DOUBLES(value.lo)", sorted),
        Mutation(.sortedAggregate, "sums[2 * v] += ", "sums[2 * v] = ", sorted),
        Mutation(.sortedAggregate, "1.0 / keys", "1.0 / queries", sortedPooled),
        Mutation(.sortedAggregate, "groups * keys + group * queries", "groups * keys", sorted),
        Mutation(.sortedAggregate, "+ group * keys", "", sorted),
        Mutation(.panelProjection, "item * weightAt.y", "0", dotProduct),
        Mutation(.panelProjection, "item * biasAt.y", "0", wholeProduct),
        Mutation(.panelProjection, "weights + weightAt.x", "weights", framesOfProducts, queries: [40, 45]),
        Mutation(.panelGram, "sum[r][v], runs", "-sum[r][v], runs", dotProduct),
        Mutation(.panelGram, "if (part % PARTS > 0) value += *run;", "", manyParts, queries: [3, 5]),
        Mutation(.panelGram, ": *total + value", ": value", manyParts, queries: [3, 5]),
        Mutation(
            .panelGram, "const long n = (long)part * DEPTH", "const long n = 0", manyParts, queries: [3, 5]),
        Mutation(
            .panelGramMerge, "sum += shared[share * size + at]", "sum = shared[share * size + at]", manyParts,
            queries: [3, 5]),
        Mutation(.panelGram, "value -= centre[c]", "value -= 0.0f", dotProduct),
        Mutation(.panelGram, ".odd = from[i + LANES / 2].hi", ".odd = from[i].hi", dotProduct),
        Mutation(.panelGramMerge, "product[AT(view, first + i, row)] = lane[i];", ";", dotProduct),
        Mutation(.panelGramMerge, "projectedSum * mean", "projectedSum", dotProduct),
        Mutation(.panelGramMerge, "+ bias[row]", "", dotProduct),
        Mutation(.panelGramMerge, "projectedSum + positions * b", "projectedSum", dotProduct),
    ]

    /// The same in kernels that only the bare operation uses.
    static let bareMutations = [
        Mutation(.panelTranspose, "y[AT(yView, c, n)]", "y[AT(yView, c, 0)]", sorted),
        Mutation(.panelTranspose, "x[AT(xView, c, n)]", "x[AT(xView, 0, n)]", sorted),
        Mutation(.panelTranspose, "y += GROUP(yView, group)", "y += 0", sorted),
    ]

    @Test(arguments: mutations)
    func areCaught(_ mutation: Mutation) throws {
        let session = try TestDevice.session(
            planting: mutation.replacement, for: mutation.text, in: mutation.source)
        let problem = mutation.problem
        let memoryLimit = problem.shape.last == 3000 ? 4 << 20 : nil
        let strategy = mutation.skip == .on ? .fused : mutation.strategy
        let prepared = try problem.block().prepared(
            for: problem.shape, on: session, strategy: strategy,
            kernels: strategy == .staged ? nil : .panel, skip: mutation.skip, absorb: mutation.absorb,
            validation: .full, memoryLimit: memoryLimit, form: mutation.form)
        let x = try problem.input()
        let error = failure(.mismatch) { _ = try prepared.run(x, queries: mutation.queries) }
        let mismatch = try #require(error?.mismatch)
        #expect(!(mismatch.relativeError <= mismatch.tolerance))
        #expect((0..<problem.shape[0]).contains(mismatch.item))
        #expect((0..<problem.configuration.channels).contains(mismatch.channel))
        let message = error?.message ?? ""
        for part in [
            "'\(session.device.name)'", "item \(mismatch.item)", "row \(mismatch.row)",
            "expected \(mismatch.expected)", "actual \(mismatch.actual)", "tolerance \(mismatch.tolerance)",
        ] {
            #expect(message.contains(part), "'\(part)' is not in: \(message)")
        }
        #expect(
            error?.advice.contains(mismatch.actual.isFinite ? "nonlocal verify" : "float32's range") == true)
    }

    @Test func everyKernelFileHasOne() {
        // The roof is no result: nothing is compared with it. PTX needs an NVIDIA device.
        #expect(
            Set(
                (Self.mutations + Self.bareMutations).map(\.source)
                    + TileMutationTests.mutations.map(\.source) + WarpMutationTests.mutations.map(\.source)
            )
            .union([.warpProduct, .warpPTX])
            // Those of sums are in ChecksumTests.
            .union([.checksum, .panelChecksum, .panelSums, .tileSums])
                == Set(KernelSource.allCases).subtracting([.roof]))
    }

    /// The same cases pass with the kernels as they are: it is the mutation that fails.
    @Test func withoutThemThereIsNothingToCatch() throws {
        for mutation in Self.mutations {
            let problem = mutation.problem
            let prepared = try problem.block().prepared(
                for: problem.shape, on: TestDevice.session(), skip: mutation.skip, absorb: mutation.absorb,
                form: mutation.form)
            _ = try prepared.run(mutation.problem.input(), queries: mutation.queries)
        }
    }

    /// The default, eight sampled rows, catches a kernel that is wrong everywhere.
    @Test func samplingCatchesThemToo() throws {
        let source = KernelSource.softmax
        let session = try TestDevice.session(
            overriding: [source: source.text.replacing("scale * 2.0f", with: "scale")])
        let problem = Self.plain
        let prepared = try problem.block().prepared(
            for: problem.shape, on: session, strategy: .staged, validation: .sampled(rows: 8))
        let x = try problem.input()
        _ = failure(.mismatch) { _ = try prepared(x) }
        let off = try problem.block().prepared(for: problem.shape, on: session, validation: .off)
        let report = try off.run(x).validation
        #expect(report.rows == 0 && report.rowsInAll == 140 && report.maxRelativeError == nil)
    }

    @Test func attentionMapsAreComparedToo() throws {
        let source = KernelSource.softmax
        let session = try TestDevice.session(
            overriding: [source: source.text.replacing("scale * 2.0f", with: "scale")])
        let prepared = try Self.plain.block().prepared(
            for: Self.plain.shape, on: session, validation: .sampled(rows: 8))
        let x = try Self.plain.input()
        _ = failure(.mismatch) { _ = try prepared.attention(x) }
        _ = failure(.mismatch) { _ = try prepared.attention(x, queries: [3]) }
    }

    @Test func theBareOperationCatchesThem() throws {
        let source = KernelSource.aggregate
        let session = try TestDevice.session(
            overriding: [source: source.text.replacing("j < last", with: "j < last - 1")])
        let x = try Tensor<Float>.normal(shape: [2, 3, 20], seed: 1)
        let operation = NonLocalOperation(pairwise: .dotProduct)
        let prepared = try operation.prepared(
            for: OperationShape(operation, theta: x.shape, phi: x.shape, g: x.shape), on: session,
            strategy: .staged)
        let error = failure(.mismatch) { _ = try prepared(theta: x, phi: x, g: x) }
        #expect(error?.mismatch != nil)
    }

    @Test(arguments: bareMutations)
    func theBareOperationCatches(_ mutation: Mutation) throws {
        let session = try TestDevice.session(
            planting: mutation.replacement, for: mutation.text, in: mutation.source)
        let x = try Tensor<Float>.normal(shape: [2, 3, 20], seed: 1)
        let operation = NonLocalOperation(
            pairwise: .concatenation, pairwiseWeight: .init(weight: try .normal(shape: [6], seed: 2)))
        let prepared = try operation.prepared(
            for: OperationShape(operation, theta: x.shape, phi: x.shape, g: x.shape),
            on: session, strategy: mutation.strategy)
        #expect(failure(.mismatch) { _ = try prepared(theta: x, phi: x, g: x) }?.mismatch != nil)
    }

    @Test func aKernelThatDoesNotBuildSaysWhere() throws {
        let text = KernelSource.softmax.text.replacing("float sum = 0.0f;", with: "float sum = missing;")
        let line =
            try #require(
                text.split(separator: "\n", omittingEmptySubsequences: false).firstIndex {
                    $0.contains("missing")
                }) + 1
        let session = try TestDevice.session(overriding: [.softmax: text])
        let problem = Self.plain
        let error = try #require(throws: OpenCLError.self) {
            _ = try problem.block().prepared(for: problem.shape, on: session, strategy: .staged)
        }
        #expect(error.name == "CL_BUILD_PROGRAM_FAILURE" && error.device == session.device.name)
        #expect(error.call.contains("softmax.cl"))
        let detail = try #require(error.detail)
        for part in ["options: -cl-std=CL1.2", "softmax.cl:\(line):", "missing"] {
            #expect(detail.contains(part), "'\(part)' is not in: \(detail)")
        }
    }
}
