import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// Devices take 65,535 work-groups along the second and third dimension of a launch; here they take few, so that small
/// blocks have to be cut as large ones are there.
@Suite struct WorkGroupLimitTests {
    @Test func rangesAreCut() {
        let range = LaunchRange(global: [512, 10, 7])
        #expect(range.parts(local: [64, 2, 1], mostWorkGroups: 7) == [range])
        let parts = range.parts(local: [64, 2, 1], mostWorkGroups: 3)
        #expect(
            parts.map(\.global) == [6, 4].flatMap { y in [3, 3, 1].map { [512, y, $0] } }
                && parts.map(\.offset) == [0, 6].flatMap { y in [0, 3, 6].map { [0, y, $0] } })
        #expect(parts.reduce(0) { $0 + $1.count } == range.count)
        #expect(range.parts(local: [64, 2, 1], mostWorkGroups: .max) == [range])
        #expect(LaunchRange(global: [9]).parts(local: [1], mostWorkGroups: 1).count == 1)
    }

    /// A block, how it is computed, and by which kernels.
    struct Problem: CustomTestStringConvertible, Sendable {
        let block: BlockCase
        let kernels: KernelClass
        let strategy: Strategy
        let precision: Precision

        init(
            _ block: BlockCase, _ kernels: KernelClass, _ strategy: Strategy,
            _ precision: Precision = .float32
        ) {
            (self.block, self.kernels, self.strategy, self.precision) = (block, kernels, strategy, precision)
        }

        var testDescription: String {
            "\(kernels.rawValue), \(strategy.rawValue), \(precision.rawValue), \(block.testDescription)"
        }

        func run(_ session: OpenCLSession) throws -> ValidationReport {
            var tile = try #require(GroupTile.candidates(session.device).last)
            // As many as make work-groups share keys.
            tile.cores = 64
            let prepared = try block.block().prepared(
                for: block.shape, on: session, strategy: strategy, kernels: kernels,
                groupTile: tile, testsKernels: false, precision: precision)
            #expect(prepared.plan.kernels == kernels)
            return try prepared.run(block.input()).validation
        }
    }

    private static let time = BlockCase([2, 4, 9, 3, 2], norm: .batchNorm) { $0.scope = .time }
    private static let items = BlockCase([7, 6, 40], normGroups: 3, mean: 1)
    private static func time(_ pairwise: Pairwise) -> BlockCase {
        BlockCase([2, 4, 9, 3, 2]) { ($0.scope, $0.pairwise) = (.time, pairwise) }
    }

    static let problems = [
        Problem(time, .plain, .staged), Problem(items, .plain, .staged),
        Problem(time(.dotProduct), .plain, .staged),
        Problem(time, .tile, .fused), Problem(items, .tile, .fused), Problem(items, .tile, .fused, .float16),
        Problem(time, .tile, .staged), Problem(time(.dotProduct), .tile, .reassociated),
        Problem(time(.concatenation), .tile, .sorted),
        Problem(BlockCase([7, 4, 3, 4, 4]) { $0.subsample = .convFirst }, .tile, .fused),
        Problem(BlockCase([1, 3, 200]), .tile, .fused),
        Problem(time, .warp, .fused), Problem(items, .warp, .fused), Problem(time, .warp, .fused, .float16),
        Problem(BlockCase([1, 3, 200]), .warp, .fused),
    ]

    private static func session(overriding sources: [KernelSource: String] = [:]) throws -> OpenCLSession {
        try OpenCLSession(TestDevice.session().device, overriding: sources, mostWorkGroups: 5)
    }

    @Test(.needsDevice, arguments: problems) func blocksAreCut(_ problem: Problem) throws {
        _ = try problem.run(Self.session())
    }

    private static let shared = WarpCase(32, 12, 70, .float16) {
        ($0.tile, $0.groups, $0.shares) = (WarpTile(32, 32, (1, 1), tiles: 1, keys: 32), 7, 2)
    }

    @Test(.needsDevice) func sharesAreCut() throws {
        let (error, tolerance) = try Self.shared.error(Self.session())
        #expect(error <= tolerance)
        let text = KernelSource.warpMerge.text
        let mutated = text.replacing("group = get_global_id(2)", with: "group = get_group_id(2)")
        try #require(mutated != text)
        let (wrong, _) = try Self.shared.error(Self.session(overriding: [.warpMerge: mutated]))
        #expect(!(wrong <= tolerance))
    }

    @Test(
        .needsDevice,
        arguments: [
            (KernelSource.tileProduct, "result = get_global_id(2)", "result = get_group_id(2)", 4),
            (.tileAttention, "part = get_global_id(2)", "part = get_group_id(2)", 3),
            (.tileMerge, "group = get_global_id(2)", "group = get_group_id(2)", 4),
            (
                .tilePack, "group = get_global_id(2);\n    const int firstChannel",
                "group = get_group_id(2);\n    const int firstChannel", 5
            ),
            (.groupNorm, "item = get_global_id(2)", "item = get_group_id(2)", 4),
            (.warpPack, "group = get_global_id(2)", "group = get_group_id(2)", 11),
            (.warpProduct, "firstGroup + GROUP_ID(2)", "GROUP_ID(2)", 12),
            (.warpAttention, "group = firstGroup + GROUP_ID(2)", "group = GROUP_ID(2)", 11),
            (.warpAttention, "firstGroup + late_group_id_2()", "late_group_id_2()", 11),
        ]) func mistakesAreNoticed(
            _ source: KernelSource, _ text: String, _ replacement: String, _ problem: Int
        )
        throws
    {
        let mutated = source.text.replacing(text, with: replacement)
        try #require(mutated != source.text)
        let session = try Self.session(overriding: [source: mutated])
        #expect(throws: NonLocalError.self) { _ = try Self.problems[problem].run(session) }
    }
}
