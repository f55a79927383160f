import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// Kernels that a driver gets wrong are found out before they are used, and others serve.
@Suite(.needsDevice) struct KernelTrialTests {
    private static let problem = BlockCase([1, 6, 40])

    private static func session(_ source: KernelSource, _ text: String, _ replacement: String) throws
        -> OpenCLSession
    {
        let mutated = source.text.replacing(text, with: replacement)
        try #require(mutated != source.text)
        return try TestDevice.session(overriding: [source: mutated])
    }

    private static func prepared(_ session: OpenCLSession, _ strategy: Strategy = .automatic) throws
        -> PreparedBlock
    {
        try problem.block().prepared(for: problem.shape, on: session, strategy: strategy, kernels: .tile)
    }

    @Test func rightKernelsPass() throws {
        let plan = try Self.prepared(TestDevice.session()).plan
        #expect(plan.kernels == .tile && plan.notes.isEmpty && plan.workGroupTile != nil)
        #expect(plan.description.contains("tile kernels"))
    }

    /// Loops are written out on GPUs, but not on the CPU devices that most tests run on.
    @Test func loopsWrittenOutGiveTheSame() throws {
        let session = try TestDevice.session()
        var tile = try #require(GroupTile.candidates(session.device).last)
        tile.isRolled = false
        for family in [KernelFamily.tileProduct(tile), .tileAttention(tile, values: 1)] {
            let outcome = VerificationProblems(session: session, kernels: .tile).trial(of: family).outcome()
            #expect(outcome.passed, "\(outcome.problem): \(outcome.message ?? "")")
        }
    }

    /// Kernels whose registers leave no room for their work-groups are off, and the next best serve.
    @Test func smallWorkGroupsLeaveTheTiles() throws {
        let (text, smaller) = (
            "reqd_work_group_size(THREADS, 1, 1)", "reqd_work_group_size(THREADS / 2, 1, 1)"
        )
        var sources: [KernelSource: String] = [:]
        for (source, kernels, strategy) in [
            (KernelSource.warpAttention, KernelClass.warp, Strategy.staged), (.warpProduct, .tile, .fused),
        ] {
            let mutated = source.text.replacing(text, with: smaller)
            try #require(mutated != source.text)
            sources[source] = mutated
            let prepared = try Self.problem.block().prepared(
                for: Self.problem.shape, on: TestDevice.session(overriding: sources), kernels: .warp,
                precision: .mixed)
            #expect(prepared.plan.kernels == kernels && prepared.plan.strategy == strategy)
            #expect(prepared.plan.notes.contains { $0.contains("\(source.rawValue) kernels are off") })
            _ = try prepared.run(Self.problem.input())
        }
        let error = failure(.configuration) {
            _ = try TestDevice.session().library.kernel(
                "tile_softmax", of: KernelSource.tiledSoftmax, defining: [:], workItems: 1 << 20)
        }
        #expect(error?.message.contains("1048576") == true)
    }

    /// Where a driver gets the usual tiling of the warp kernels wrong, another one serves.
    @Test func anotherTilingServes() throws {
        let session = try Self.session(
            .warpSteps, "greatest = fmax(greatest, across(warp, greatest, 2));",
            "if (KEYS != 32 || ROW_TILES != 2) greatest = fmax(greatest, across(warp, greatest, 2)); else greatest = NAN;"
        )
        let prepared = try Self.problem.block().prepared(
            for: Self.problem.shape, on: session, strategy: .fused, kernels: .warp, precision: .float16)
        #expect(prepared.plan.kernels == .warp && prepared.plan.strategy == .fused)
        #expect(prepared.plan.notes.count == 1)
        #expect(prepared.plan.notes.first?.contains("32 keys") == true)
        _ = try prepared.run(Self.problem.input())
    }

    @Test func wrongAttentionLeavesTheStages() throws {
        let session = try Self.session(.tileAttention, "sum += p;", "sum = p;")
        let prepared = try Self.prepared(session)
        #expect(prepared.plan.strategy == .staged && prepared.plan.kernels == .tile)
        let note = try #require(prepared.plan.notes.first)
        for part in ["tile_attention kernels are off", "'\(session.device.name)'", "expected"] {
            #expect(note.contains(part), "'\(part)' is not in: \(note)")
        }
        #expect(prepared.plan.description.contains("note: the tile_attention"))
        _ = try prepared.run(Self.problem.input())
    }

    @Test func wrongProductsLeaveThePlainKernels() throws {
        let session = try Self.session(.tileProduct, "factor * UNSCALED", "-UNSCALED")
        let prepared = try Self.prepared(session)
        #expect(prepared.plan.strategy == .staged && prepared.plan.kernels == .plain)
        #expect(prepared.plan.notes.count == 1)
        _ = try prepared.run(Self.problem.input())
        _ = try prepared.attention(Self.problem.input())
    }

    /// A kernel that doesn't build is no reason to give up either.
    @Test func kernelsThatDoNotBuildAreOff() throws {
        let session = try Self.session(.tile, "EACH_LOAD {", "EACH_LOAD { missing")
        let prepared = try Self.prepared(session)
        #expect(prepared.plan.kernels == .plain)
        #expect(prepared.plan.notes.first?.contains("CL_BUILD_PROGRAM_FAILURE") == true)
        _ = try prepared.run(Self.problem.input())
    }

    /// A driver that allots so many registers that only small work-groups can run.
    @Test func aSmallerTileServesWhereWorkGroupsAreTooLarge() throws {
        let device = try TestDevice.session().device
        let session = try OpenCLSession(device, mostWorkItems: 100)
        for (pairwise, strategy) in [
            (Pairwise.embeddedGaussian, Strategy.fused), (.embeddedGaussian, .staged),
            (.dotProduct, .reassociated), (.concatenation, .sorted),
        ] {
            let problem = BlockCase([1, 6, 40]) { $0.pairwise = pairwise }
            let prepared = try problem.block().prepared(
                for: problem.shape, on: session, strategy: strategy, kernels: .tile)
            let plan = prepared.plan
            #expect(plan.kernels == .tile && plan.workGroupTile?.side == 8)
            #expect(plan.notes.count == 1)
            let note = try #require(plan.notes.first)
            for part in ["work-groups of 100 at most on '\(device.name)', not of 256", "of 64 serve"] {
                #expect(note.contains(part), "'\(part)' is not in: \(note)")
            }
            _ = try prepared.run(problem.input())
        }
    }

    /// 32 KB of local memory is what every GPU has at least; a compiler may add nothing to what the kernels ask for.
    @Test func localMemoryIsWhatTheTilesSay() throws {
        let library = try TestDevice.session().library
        for tile in GroupTile.candidates(try TestDevice.session().device) {
            let kernels = [
                try library.kernel(
                    "tile_product", of: KernelSource.tiledProduct, defining: tile.productMacros()),
                try library.kernel(
                    "tile_attention", of: KernelSource.tiledAttention,
                    defining: tile.attentionMacros(valueChannels: tile.block * tile.values)),
                try library.kernel("tile_sort", of: KernelSource.tiledSorted, defining: tile.sortMacros),
            ]
            for kernel in kernels {
                #expect(try kernel.workGroupInfo.localMemoryUsed <= tile.localMemory)
            }
        }
    }

    @Test func aWantedStrategyFailsWithTheReason() throws {
        let session = try Self.session(.tileAttention, "sum += p;", "sum = p;")
        let error = failure(.configuration) { _ = try Self.prepared(session, .fused) }
        #expect(error?.message.contains("tile_attention kernels are off") == true)
        #expect(error?.advice.contains("staged") == true)
    }
}
