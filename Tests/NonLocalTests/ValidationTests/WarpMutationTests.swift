import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// Mistakes planted in the warp kernels: the comparison with the formulas has to catch each, races through the twin's
/// checker.
@Suite(.needsDevice) struct WarpMutationTests {
    struct Mutation: CustomTestStringConvertible, Sendable {
        let source: KernelSource
        let text: String
        let replacement: String
        let problem: WarpCase

        init(_ source: KernelSource, _ text: String, _ replacement: String, _ problem: WarpCase) {
            (self.source, self.text, self.replacement, self.problem) = (source, text, replacement, problem)
        }

        var testDescription: String {
            "\(source.fileName): \(text) → \(replacement)".replacing("\n", with: " ")
        }
    }

    /// One slice, in blocks of two tiles of keys; and two slices of two tiles of queries.
    private static let single = WarpTile(32, 32, (1, 1), tiles: 1, keys: 32, kept: 1)
    private static let double = WarpTile(64, 64, (1, 2), tiles: 2, keys: 16, kept: 1, chain: 4)

    private static let plain = WarpCase(32, 12, 70, .float16) { $0.tile = single }
    private static let sliced = WarpCase(64, 30, 55, .float16) { $0.tile = double }
    private static let exact = WarpCase(64, 30, 55, .float32) { $0.tile = double }
    private static let shared = WarpCase(32, 12, 70, .float16) {
        ($0.tile, $0.shares) = (single, 2)
    }
    private static let negative = WarpCase(32, 12, 70, .float16) { ($0.tile, $0.scale) = (single, -1) }
    private static let unscaled = WarpCase(32, 12, 70, .float16) { ($0.tile, $0.scale) = (single, 0) }
    private static let uneven = WarpCase(32, 12, 70, .float16) { ($0.tile, $0.largest) = (single, 9) }
    private static let grouped = WarpCase(32, 12, 40, .float16) { ($0.tile, $0.groups) = (single, 2) }
    /// Scores whose unit is beyond float32, and a g whose unit times its sum of weights is below it.
    private static let immense = WarpCase(32, 12, 40, .float16) {
        ($0.tile, $0.scale, $0.largest, $0.largestPhi) = (single, 1, 0x1p100, 0x1p60)
    }
    private static let tiny = WarpCase(32, 12, 70, .float16) { ($0.tile, $0.largestG) = (single, 0x1p-110) }
    private static let tinyShares = WarpCase(32, 12, 70, .float16) {
        ($0.tile, $0.largestG, $0.shares) = (single, 0x1p-110, 2)
    }
    /// Maxima that grow by much from block to block.
    private static let steep = WarpCase(32, 12, 150, .float16) { ($0.tile, $0.scale) = (single, 3) }

    static let mutations = [
        // Fragments.
        Mutation(.warpTile, "(b).zw : (b).xy", "(b).xy : (b).xy", plain),
        Mutation(
            .warpTile, "halves(z.x, z.y), halves(w.x, w.y)", "halves(w.x, w.y), halves(z.x, z.y)", plain),
        Mutation(.warpTile, "c = mma(warp, c, a[1], OPERAND(b[0]));", "", exact),
        Mutation(.warpTile, "c = mma(warp, c, a[0], OPERAND(b[1]));", "", exact),
        Mutation(.warpTile, "whole - high", "high - whole", exact),
        Mutation(.warpTwin, "(2 * upper + i / 2) * 2", "(2 * upper) * 2", plain),
        Mutation(.warpTwin, "(4 + upper) * 2", "4 * 2", plain),
        // Where things lie.
        Mutation(.warpTile, "* block + rowTile % block)", "* block)", plain),
        Mutation(.warpTile, "* block + termTile % block)", "* block)", plain),
        Mutation(.warpPack, "i / 2 % 2 * 8", "0", plain),
        Mutation(.warpPack, "+ i / 4 * 8", "", plain),
        Mutation(.warpSteps, "at + (k * KEY_TILES + r) * FRAGMENT", "at + k * KEY_TILES * FRAGMENT", plain),
        Mutation(.warpSteps, "place->slice * STEPS * KEY_TILES * FRAGMENT", "0", sliced),
        Mutation(.warpSteps, "+ place->slice) * STEPS", "+ 0) * STEPS", sliced),
        Mutation(
            .warpSteps, "at + ((v) * KEY_TILES + (j)) * FRAGMENT", "at + (v) * KEY_TILES * FRAGMENT", plain),
        Mutation(.warpSteps, "from != place->slice", "from > place->slice", sliced),
        Mutation(.warpSteps, "* 4 + eight % 2", "* 4", sliced),
        Mutation(.warpSteps, "WEIGHTS_OF(m, part) + j * 32", "WEIGHTS_OF(0, part) + j * 32", sliced),
        Mutation(.warpSteps, "(eight) % 2 * 32", "32", sliced),
        Mutation(.warpAttention, "m * 16 + h * 8 + place", "m * 16 + place", plain),
        Mutation(
            .warpAttention, "here.rowWarp * ROW_TILES) * (WIDTH", "0) * (WIDTH",
            WarpCase(20, 40, 33, .float16) {
                $0.tile = WarpTile(32, 32, (2, 1), tiles: 1, keys: 16)
            }),
        Mutation(.warpAttention, "v) * 8 + place->lane % 4 * 2", "v) * 8 + place->lane % 4", plain),
        Mutation(.warpAttention, "(long)group * ((keys", "0L * ((keys", grouped),
        // Waits and barriers.
        Mutation(.warpTiling, "    WAIT(warp);\n", "", plain),
        Mutation(.warpTiling, "    warp_barrier(warp);\n    send", "    send", sliced),
        Mutation(.warpTiling, "piece + RING - 1, (buffer", "piece, (buffer", plain),
        Mutation(.warpAttention, "    warp_barrier(warp);\n    take_factors", "    take_factors", sliced),
        Mutation(
            .warpAttention, "    warp_barrier(warp);\n    EACH(o, OWNED) give", "    EACH(o, OWNED) give",
            sliced),
        Mutation(.warpAttention, "if (stage == 0 && left > 1) hand_on(warp, place, &state);", "", sliced),
        Mutation(.warpSteps, "        give_factor(warp, place, o, rescale);", "", sliced),
        Mutation(.warpTiling, "piece / PIECES + 1 < blocks", "piece / PIECES + 2 < blocks", plain),
        Mutation(.warpTiling, "stream->g += G_STAGE;", "", plain),
        // Scales.
        Mutation(.warpTile, "(254u << 23)", "(253u << 23)", plain),
        Mutation(.warpPack, "sign * unit_of", "unit_of", negative),
        Mutation(.warpPack, "scalesRows ? row : first + group", "group", uneven),
        Mutation(.warpPack, "atomic_max(limits + first + group", "atomic_max(limits + first", grouped),
        Mutation(.warpSteps, "power_of_two((*m - greatest) * factor)", "1.0f", steep),
        Mutation(.warpSteps, "fma(*l, *rescale, sum)", "*l + sum", steep),
        Mutation(.warpSteps, "!= 1.0f || state", "!= 1.0f && state", steep),
        Mutation(.warpSteps, "across(warp, greatest, 2)", "across(warp, greatest, 1)", steep),
        Mutation(.warpAttention, "across(warp, state->l[h], 2)", "across(warp, state->l[h], 1)", plain),
        Mutation(.warpTile, "units.x * units.y, FLT_MAX)", "units.x * units.y, INFINITY)", immense),
        Mutation(
            .warpAttention, "* factors[2 * m + h] * unit;", "* (factors[2 * m + h] * unit);", tiny),
        Mutation(.warpMerge, "total * inverse * unit;", "total * (inverse * unit);", tinyShares),
        // Tails.
        Mutation(.warpSteps, "s[n].y = 0.0f;", "s[n].y = s[n].y;", unscaled),
        Mutation(
            .warpAttention, "keys - (FIRST_OF(late_group_id_1() + 1, late_num_groups_1(), keys) - 1) * KEYS",
            "KEYS", plain),
        // Shares.
        Mutation(.warpMerge, "exp2((m[share * size] - greatest) * factor), l[", "1.0f, l[", shared),
        Mutation(.warpMerge, "total = fma(", "total = -fma(", shared),
        Mutation(.warpAttention, "= state->m[o];", "= 0.0f;", shared),
    ]

    /// The same in `warp_product.cl`.
    static let productMutations: [(String, String)] = [
        ("WAIT(warp);", ""), ("        warp_barrier(warp);\n", ""),
        ("from + warpRow * ROW_TILES * FRAGMENT", "from"),
        ("SIDE + (k * BLOCK + n) * FRAGMENT", "SIDE + k * BLOCK * FRAGMENT"),
        ("hasBias ? bias[row] : 0.0f", "0.0f"), ("value += added", "value -= added"), ("a += SIDE;", ""),
        ("bLimits[firstBLimit + group]", "1.0f"),
        ("h ? (i ? four.w", "i ? (i ? four.w"),
        ("warpRow * ROW_TILES + m) * 16 + h * 8", "warpRow * ROW_TILES + m) * 16"),
    ]

    /// Mistakes that only attention in stages shows, where each group has an a of its own and a block may begin with any.
    static let stageMutations: [(KernelSource, String, String)] = [
        (.warpProduct, "sharesA ? 0 : (long)group * get_num_groups(1)", "0"),
        (.warpProduct, "bLimits[firstBLimit + group]", "bLimits[group]"),
        (.warpProduct, "aLimits[firstALimit + (sharesA ? row : group)]", "aLimits[sharesA ? row : group]"),
        (.warpTile, "GROUP(view, (group) + (view).s7)", "GROUP(view, group)"),
        (.tileSoftmax, "s += get_global_id(2) * keys * rows + i", "s += i"),
    ]

    @Test(arguments: stageMutations)
    func areCaughtInStages(_ source: KernelSource, _ text: String, _ replacement: String) throws {
        let session = try TestDevice.session(planting: replacement, for: text, in: source)
        let problems = VerificationProblems(session: session, kernels: .warp)
        #expect(!problems.trial(of: .warpStages(.float16)).outcome().passed)
    }

    @Test(arguments: mutations)
    func areCaught(_ mutation: Mutation) throws {
        let session = try TestDevice.session(
            planting: mutation.replacement, for: mutation.text, in: mutation.source)
        let (error, tolerance) = try mutation.problem.error(session)
        #expect(!(error <= tolerance))
    }

    static let cases = [
        plain, sliced, exact, shared, negative, unscaled, uneven, grouped, steep, immense, tiny, tinyShares,
    ]

    /// The same cases pass with the kernels as they are: it is the mutation that fails.
    @Test(arguments: cases)
    func withoutThemThereIsNothingToCatch(_ problem: WarpCase) throws {
        let (error, tolerance) = try problem.error(TestDevice.session())
        #expect(error <= tolerance)
    }

    @Test(arguments: productMutations)
    func areCaughtInProducts(_ text: String, _ replacement: String) throws {
        try expectCaught(
            WarpProductCase(200, [130], 20, .float16, hasResidual: true), planting: replacement, for: text)
    }

    /// One scale for all rows of the weights.
    @Test func sharedScalesAreCaught() throws {
        var problem = WarpProductCase(33, [7, 9], 9, .float16)
        problem.factors = [1, 0x1p-30]
        try expectCaught(problem, planting: "0", for: "sharesA ? row : group")
    }

    /// Rows of the next warp, which a device that takes warps in the order of their numbers has it put right.
    @Test func writingWhatAnotherWarpWritesIsCaught() throws {
        try expectCaught(
            WarpProductCase(33, [130], 20, .float32), planting: "EACH(m, ROW_TILES) EACH(h, 3)",
            for: "EACH(m, ROW_TILES) EACH(h, 2)")
    }

    private func expectCaught(
        _ problem: WarpProductCase, planting replacement: String, for text: String
    ) throws {
        let session = try TestDevice.session(planting: replacement, for: text, in: .warpProduct)
        let (actual, expected, tolerances) = try problem.run(session)
        let isCaught = zip(zip(actual, expected), tolerances).contains { pair, tolerance in
            !((Double(pair.0) - pair.1).magnitude <= tolerance)
        }
        #expect(isCaught)
    }
}
