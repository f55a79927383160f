import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// Mistakes planted in the tile kernels: the comparison with the reference has to catch each. None of them reads
/// or writes outside of its buffers. Barriers whose absence a CPU device hides are in ``TileBarrierTests``.
@Suite(.needsDevice) struct TileMutationTests {
    struct Mutation: CustomTestStringConvertible, Sendable {
        let source: KernelSource
        let text: String
        let replacement: String
        let problem: BlockCase
        let strategy: Strategy
        var queries: [Int]?
        var memoryLimit: Int?
        var precision: Precision

        init(
            _ source: KernelSource, _ text: String, _ replacement: String, _ problem: BlockCase,
            _ strategy: Strategy = .staged, queries: [Int]? = nil, memoryLimit: Int? = nil,
            precision: Precision = .float32
        ) {
            self.precision = precision
            (self.source, self.text, self.replacement) = (source, text, replacement)
            (self.problem, self.strategy) = (problem, strategy)
            (self.queries, self.memoryLimit) = (queries, memoryLimit)
        }

        var testDescription: String { "\(source.fileName): \(text) → \(replacement)" }

        /// With small work-groups, so that small problems have several.
        func prepared(on session: OpenCLSession) throws -> PreparedBlock {
            let tile = try #require(
                GroupTile.candidates(session.device).first { $0.side == 8 && $0.quads == 1 && $0.depth == 16 }
            )
            return try problem.block().prepared(
                for: problem.shape, on: session, strategy: strategy, kernels: .tile, memoryLimit: memoryLimit,
                groupTile: tile, testsKernels: false, precision: precision)
        }
    }

    private static let plain = BlockCase([2, 9, 70])
    private static let ragged = BlockCase([1, 5, 7])
    /// More channels than a part has.
    private static let deep = BlockCase([1, 300, 20])
    private static let channelsLast = BlockCase([2, 7, 5], layout: .channelsLast)
    /// Several blocks of keys, whose greatest scores differ.
    private static let wide = BlockCase([1, 4, 300], deviation: 2)
    private static let wideValues = BlockCase([1, 4, 40], value: 70)
    private static let far = BlockCase([1, 4, 70], deviation: 100)
    private static let negative = BlockCase([2, 9, 70]) { $0.scale = .factor(-1) }
    private static let farBelowZero = BlockCase([1, 40, 70], mean: 3) {
        $0.pairwise = .gaussian
        $0.scale = .factor(-1)
    }
    private static let dotProduct = BlockCase([2, 9, 70]) { $0.pairwise = .dotProduct }
    /// So many inner channels that θ is not worth computing.
    private static let wholeProduct = BlockCase([2, 9, 70], inner: 8) { $0.pairwise = .dotProduct }
    /// More value channels than a work-group has, of a size that no other case has.
    private static let sortedAlone = BlockCase([2, 8, 71], value: 150) { $0.pairwise = .concatenation }
    /// So many keys that work-groups share them.
    private static let manyKeys = BlockCase([1, 4, 1200]) { $0.pairwise = .dotProduct }
    /// As many, of which no Gram matrix is made.
    private static let manyPooledKeys = BlockCase([1, 4, 2400]) {
        $0.pairwise = .dotProduct
        $0.subsample = .convFirst
        $0.pool = .flat(2)
    }
    /// More positions than channels, of which there are more than a tile has, and a mean to take out.
    private static let gram = BlockCase([2, 40, 900], mean: 1) { $0.pairwise = .dotProduct }
    private static let frames = BlockCase([1, 4, 8, 10, 10]) { $0.scope = .space }
    private static let sum = BlockCase([2, 4, 300]) {
        $0.pairwise = .generic(
            .negativeSquaredDistance, weight: PairwiseFormTests.weight("exp(s)"), normalizer: .sum)
        $0.scale = .factor(0.5)
    }

    /// One run: numbers merged out of order would go to the same places and leave others as they were.
    private static let sortedRun = BlockCase([2, 4, 300]) { $0.pairwise = .concatenation }
    /// Two runs of sorted keys, and parts of several keys.
    private static let sorted = BlockCase([2, 4, 700], value: 70) { $0.pairwise = .concatenation }

    /// Groups of few numbers, which are scaled each in another way.
    private static let unevenGroups = BlockCase([3, 4, 3, 4, 5]) { $0.scope = .time }
    /// Rows of weights likewise.
    private static let unevenRows = BlockCase([1, 4, 33], inner: 8)

    private static func own(_ ownWeight: OwnWeight, _ positions: Int = 70) -> BlockCase {
        BlockCase([1, 4, positions]) { $0.ownWeight = ownWeight }
    }

    static let barrier = "barrier(CLK_LOCAL_MEM_FENCE);"

    static let mutations = [
        Mutation(.tile, "(int)at.x < terms", "(int)at.x < terms - 1", plain),
        Mutation(.tile, "(int)at.y < count", "(int)at.y < count - 1", plain),
        Mutation(.tile, "rows += DEPTH * rowStrides.x", "rows += 0", deep),
        Mutation(.tile, "columns += DEPTH * columnStrides.x", "columns += 0", deep),
        Mutation(.tile, "number / (RUN * TILE) * RUN + number % RUN", "number % RUN", plain),
        Mutation(.tile, "(uint2)(number / TILE, number % TILE)", "(uint2)(number / TILE, 0)", plain),
        Mutation(.tile, "sum[4 * p + 3][q], a.w", "sum[4 * p + 3][q], a.z", plain),
        Mutation(.tile, "columns += QUAD_STRIDE", "columns += 0", plain),
        Mutation(.tile, "EACH_SUM part[r][q] = (float4)(0.0f);", "", deep),
        Mutation(
            .tile, "EACH_SUM sum[r][q] += part[r][q];\n}", "EACH_SUM sum[r][q] = part[r][q];\n}", deep),
        Mutation(
            .tile, "sum[r][q] = part[r][q] = (float4)(0.0f)", "sum[r][q] = part[r][q] = (float4)(1.0f)", plain
        ),
        Mutation(.tile, "count > 1 ? from[step]", "count > 1 ? from[0]", plain),
        Mutation(.tile, "to[2 * step] = value.z", "to[step] = value.z", ragged),
        Mutation(.tile, "step == 1 && count >= 4", "count >= 4", channelsLast),
        Mutation(.tileProduct, "biasAt.x + group * biasAt.y", "biasAt.x", wholeProduct, .reassociated),
        Mutation(.tileProduct, "ONE_OF(row, y0, y1, y2)", "ONE_OF(row, y0, y2, y2)", plain),
        Mutation(.tileProduct, "4 * get_local_id(1) + r % 4", "4 * get_local_id(1)", plain),
        Mutation(.tileProduct, "firstColumn + q * BLOCK + 4 * get_local_id(0)", "4 * get_local_id(0)", plain),
        Mutation(.tileProduct, "factor * UNSCALED", "UNSCALED", dotProduct, .reassociated),
        Mutation(
            .tileProduct, "firstTerm = share * terms / shares", "firstTerm = 0", manyKeys, .reassociated),
        Mutation(.tileProduct, "sum += shared[", "sum = shared[", manyKeys, .reassociated),
        Mutation(.tileProduct, "= factor * sum;", "= sum;", manyPooledKeys, .reassociated),
        Mutation(.tileProduct, "has & HAS_RESIDUAL", "has & 4", plain),
        Mutation(.tileProduct, "has & HAS_BIAS", "has & 4", plain),
        Mutation(.tileProduct, "TILE_GROUP(rowsView, group)", "TILE_GROUP(rowsView, 0)", plain),
        Mutation(.tileProduct, "TILE_GROUP(columnsView, group)", "TILE_GROUP(columnsView, 0)", plain),
        Mutation(.tileProduct, "(k) + (v).s7", "(k)", frames, memoryLimit: 150_000),
        Mutation(
            .tileProduct, "firstColumn > firstRow) return", "firstColumn >= firstRow) return", gram,
            .reassociated),
        Mutation(
            .tileCentre, "sums[id] += sums[id + half_]", "sums[id] = sums[id + half_]", gram, .reassociated),
        Mutation(.tileCentre, "rest += value", "rest = value", gram, .reassociated),
        Mutation(.tileCentre, "x[n * view.s4] - mean", "x[n * view.s4]", gram, .reassociated),
        Mutation(.tileCentre, "moments[1] = mean", "moments[1] = 0.0f", gram, .reassociated),
        Mutation(.tileCentre, "id == 0 ? positions", "id == 0 ? 1.0f", gram, .reassociated),
        Mutation(.tileCentre, "GROUP(view, group)", "GROUP(view, 0)", gram, .reassociated),
        Mutation(.tileCentre, "(group * channels + c) * positions", "c * positions", gram, .reassociated),
        Mutation(.tileSoftmax, "size * 2.0f", "size", plain),
        Mutation(.tileSoftmax, "sum * score_weight(m, high, size) + part", "sum + part", wide),
        Mutation(.tileSoftmax, barrier, "", plain),
        Mutation(.tileSoftmax, "int first = lane", "int first = 0", plain),
        Mutation(.tileSoftmax, "m = fmax(m, greatest[other][column])", "m = greatest[0][column]", far),
        Mutation(.tileSoftmax, "? 0.0f : exp(", "? 1.0f : exp(", own(.exclude)),
        Mutation(.tileSoftmax, "sum += sums[other][column];", "sum = sums[other][column];", sum),
        Mutation(.tileSoftmax, "scale < 0.0f ? -1.0f : 1.0f", "1.0f", negative),
        Mutation(.tileAttention, "j < count ? half_", "j <= count ? half_", plain, .fused),
        Mutation(.tileAttention, "scale < 0.0f ? -0.5f : 0.5f", "0.5f", negative, .fused),
        Mutation(
            .tileAttention, "greatest = fmax(greatest, slices[", "greatest = (slices[", far, .fused),
        Mutation(.tileAttention, "= greatest;\n        \(barrier)", "= greatest;", far, .fused),
        Mutation(.tileAttention, "l = l * rescale + sum", "l = l + sum", wide, .fused),
        Mutation(.tileAttention, "total[v][r] * rescale + part", "total[v][r] + part", wide, .fused),
        Mutation(.tileAttention, "sum += p;", "sum = p;", plain, .fused),
        Mutation(.tileAttention, "query + (int4)(0, 1, 2, 3)", "(int4)(query)", own(.exclude), .fused),
        Mutation(.tileAttention, "l += 1.0f", "l += 0.0f", own(.strongest, 200), .fused),
        Mutation(.tileAttention, "AT(gView, (long)c, firstOwn + query)", "0", own(.strongest, 200), .fused),
        Mutation(.tileAttention, "weights[(4 * row + r)", "weights[(4 * row)", plain, .fused),
        Mutation(
            .tileAttention, "put(slice, next, strides);\n        \(barrier)", "put(slice, next, strides);",
            plain,
            .fused),
        Mutation(.tileAttention, "g += DEPTH * strides.x", "g += 0", plain, .fused),
        Mutation(
            .tileAttention, "g + AT(gView, (long)v * BLOCK, key)", "g + AT(gView, 0, key)", wideValues, .fused
        ),
        Mutation(.tileAttention, "m = (float4)(-INFINITY)", "m = (float4)(0.0f)", farBelowZero, .fused),
        Mutation(.tileAttention, "= l;\n    \(barrier)", "= l;", plain, .fused),
        Mutation(.tileAttention, "phi + key * phiView.s4", "phi", wide, .fused),
        Mutation(
            .tileAttention, "firstKey = share * blocks / shares * BLOCK", "firstKey = 0", wide, .fused,
            queries: [3, 5]),
        Mutation(.tileMerge, "l += weight * state[", "l += state[", wide, .fused, queries: [3, 5]),
        Mutation(.tileMerge, "sum += weight *", "sum = weight *", wide, .fused, queries: [3, 5]),
        Mutation(
            .tileMerge, "m = fmax(m, shared[share * size + (long)channels * queries])", "m = 0.0f",
            farBelowZero,
            .fused, queries: [3, 5]),
        Mutation(.tileMerge, "l += 1.0f", "l += 0.0f", own(.strongest, 40), .fused),
        Mutation(.tileMerge, "GROUP(gView, group) + AT(gView, (long)c, i)", "0", own(.strongest, 40), .fused),
        Mutation(
            .tileStorage, "vload_half(at,", "vload_half((at) & ~1L,", plain, .fused, precision: .float16),
        Mutation(.tileStorage, "(from)[at] << 16", "(from)[at] << 15", plain, .fused, precision: .bfloat16),
        Mutation(
            .tileProduct, "(row) * rowLimitsAt.z", "0", unevenRows, precision: .float16),
        Mutation(
            .tileProduct, "rowLimitsAt.x + (group) * rowLimitsAt.y", "rowLimitsAt.x", unevenGroups,
            precision: .float16),
        Mutation(
            .tileProduct, "rowLimits[rowLimitsAt.x", "rowLimits[0", unevenGroups,
            precision: .bfloat16),
        Mutation(
            .tileProduct, "columnLimitsAt.x + (group) * columnLimitsAt.y", "columnLimitsAt.x", unevenGroups,
            precision: .float16),
        Mutation(
            .tileProduct, "columnLimits[columnLimitsAt.x", "columnLimits[0", unevenGroups,
            precision: .float16),
        Mutation(
            .tileSoftmax, "weights += get_global_id(2) * keys * rows + i", "weights += i", plain,
            precision: .float16),
        Mutation(
            .tileSoftmax, "weights += get_global_id(2) * keys * rows + i",
            "weights += get_global_id(2) * keys * rows", plain, precision: .bfloat16),
        Mutation(.tileSoftmax, "exponent_of(1.0f)", "exponent_of(2.0f)", plain, precision: .float16),
        Mutation(
            .tileSoftmax, "WRITE(power_of_two", "WRITE(0.5f * power_of_two", plain, precision: .bfloat16),
        Mutation(.tileSoftmax, "weights, at)", "weights, at / 2)", plain, precision: .float16),
        Mutation(.tilePack, "factor * x[", "x[", plain, .fused, precision: .float16),
        Mutation(.tilePack, "group * channels * positions + n", "n", plain, .fused, precision: .bfloat16),
        Mutation(.tilePack, "packed, (long)c * positions", "packed, 0", plain, .fused, precision: .float16),
        Mutation(
            .tilePack, "atomic_max(limits + first + group", "atomic_max(limits + first", unevenGroups,
            precision: .float16),
        Mutation(
            .tilePack, "? n : first + group", "? n : first", unevenGroups, precision: .bfloat16),
        Mutation(.tilePack, "byPositions ? n", "byPositions ? 0", unevenRows, precision: .float16),
        Mutation(
            .tilePack, "limit = max(limit, as_uint(value))", "limit = 0", plain, .fused, precision: .float16),
        Mutation(
            .tilePack, "min(firstChannel + PACKED, channels)", "min(firstChannel + PACKED - 1, channels)",
            deep,
            .fused, precision: .float16),
        Mutation(
            .tilePack, "int firstChannel = get_global_id(1) * PACKED", "int firstChannel = 0", deep, .fused,
            precision: .float16),
        Mutation(
            .tilePack, "+ AT(view, 0, n);\n    packed", ";\n    packed", plain, .fused, precision: .float16),
        Mutation(
            .tileStorage, "bits >> 16 & 1u)) >> 16", "bits >> 16 & 1u)) >> 15", plain, .fused,
            precision: .bfloat16),
        Mutation(
            .tileStorage, "power_of_two(exponent - exponent / 2)", "1.0f", plain, .fused,
            precision: .float16),
        Mutation(.tileStorage, "(units).x * (units).y", "(units).x", plain, precision: .float16),
        Mutation(.tileStorage, "140 - (int)", "150 - (int)", plain, precision: .float16),
        Mutation(
            .tileAttention, "value_unit(limits, group, groups) * (sum / l)", "(sum / l)", plain,
            .fused,
            precision: .float16),
        Mutation(
            .tileAttention, "exponent_of(limits[2 * groups + group])",
            "exponent_of(limits[2 * groups + group]) + 1",
            plain, .fused, precision: .float16),
        Mutation(
            .tileAttention, "READ(from, step)", "READ(from, 0)", own(.strongest, 200), .fused,
            precision: .float16),
        Mutation(
            .tileMerge, "value_unit(limits, group, groups) * ", "", wide, .fused,
            queries: [3, 5],
            precision: .float16),
        Mutation(
            .tileMerge, "READ(g, GROUP(gView, group) + AT(gView, (long)c, i))", "READ(g, 0)",
            own(.strongest, 40), .fused, precision: .bfloat16),
        Mutation(.tileSort, "(a > b) == ", "(a > b) != ", sortedRun, .sorted),
        Mutation(.tileSort, "(low & size) == 0", "1", sortedRun, .sorted),
        Mutation(.tileSort, "(uint)(first + n)", "(uint)n", sorted, .sorted),
        Mutation(.tileSort, "GROUP(phiView, group)", "GROUP(phiView, 0)", sorted, .sorted),
        Mutation(.tileSort, "step > 0; step", "step > 1; step", sortedRun, .sorted),
        Mutation(.tileSort, "sorted += group * keys;\n    merged", "merged", sorted, .sorted),
        Mutation(.tileSort, "n + low - first - (isSecond ? run : 0)", "n", sorted, .sorted),
        Mutation(
            .tileSort, "key_of(phi[n * phiView.s4], ~0u)", "key_of(phi[n * phiView.s4], 0u)", sorted, .sorted),
        Mutation(.sortKey, "bits & SIGN ? ~0u : SIGN", "SIGN", sorted, .sorted),
        Mutation(
            .tilePrefix, "steps = add_product(steps, last - b, sum);\n        sum = add(sum, g",
            "sum = add(sum, g", sorted, .sorted),
        Mutation(
            .tilePrefix, "if (before > 0) steps = add_product(steps, last - b, sum);", "", sorted, .sorted),
        Mutation(
            .tilePrefix, "steps = add_sum(steps, parts[PART(group, before, c) + valueChannels]);", "", sorted,
            .sorted),
        Mutation(.tilePrefix, "sum = add_sum(sum, parts[PART(group, before, c)]);", "", sorted, .sorted),
        Mutation(.tilePrefix, "(before + 1) * length - 1", "before * length", sorted, .sorted),
        Mutation(
            .tilePrefix, "parts[PART(group, part, c)] = sum", "parts[PART(group, part, c)] = 0.0f", sorted,
            .sorted),
        Mutation(.tilePrefix, "if (k > 0) steps", "if (k > part * length) steps", sorted, .sorted),
        Mutation(
            .tilePrefix, "sums[(k * 2 + 1) * valueChannels] = steps.x + steps.y",
            "sums[(k * 2 + 1) * valueChannels] = 0.0f", sorted, .sorted),
        Mutation(.tilePrefix, "g += GROUP(gView, group)", "g += GROUP(gView, 0)", sorted, .sorted),
        Mutation(.tileSortedAggregate, "<= -a", ">= -a", sorted, .sorted),
        Mutation(
            .tileSortedAggregate, "low = middle + 1", "low = middle + 2 > high ? high : middle + 2", sorted,
            .sorted),
        Mutation(.tileSortedAggregate, "taken[n] - 1", "max(taken[n] - 2, 0)", sorted, .sorted),
        Mutation(.tileSortedAggregate, "if (taken[n] > 0)", "if (taken[n] > 600)", sorted, .sorted),
        Mutation(.tileSortedAggregate, "/ keys", "/ (keys + 1)", sorted, .sorted),
        Mutation(.tileSortedAggregate, "fma(least[n].x, sum, steps)", "(least[n].x * sum)", sorted, .sorted),
        Mutation(.tileSortedAggregate, "get_global_id(1) * CHANNELS + id;", "id;", sortedAlone, .sorted),
        Mutation(
            .tileSortedAggregate, "AT(thetaView, 0, (long)first + id)", "AT(thetaView, 0, (long)id)", sorted,
            .sorted),
        Mutation(.tileSortedAggregate, "GROUP(yView, group)", "GROUP(yView, 0)", sorted, .sorted),
    ]

    @Test(arguments: mutations)
    func areCaught(_ mutation: Mutation) throws {
        let session = try TestDevice.session(
            planting: mutation.replacement, for: mutation.text, in: mutation.source)
        let prepared = try mutation.prepared(on: session)
        #expect(prepared.plan.strategy == mutation.strategy && prepared.plan.kernels == .tile)
        let x = try mutation.problem.input()
        let mismatch = try #require(
            failure(.mismatch) { _ = try prepared.run(x, queries: mutation.queries) }?.mismatch)
        #expect(!(mismatch.relativeError <= mismatch.tolerance))
    }

    /// The same cases pass with the kernels as they are: it is the mutation that fails.
    @Test func withoutThemThereIsNothingToCatch() throws {
        for mutation in Self.mutations {
            let prepared = try mutation.prepared(on: TestDevice.session())
            _ = try prepared.run(mutation.problem.input(), queries: mutation.queries)
        }
    }
}
