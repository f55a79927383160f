import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// What has to notice a change of a kernel file: cheap checks of the kernel by itself first, whole blocks last.
struct MutantCheck {
    let name: String
    /// Whether everything is as it should be.
    let passes: (OpenCLSession) throws -> Bool

    /// The checks of a file, on a device like that of the session.
    static func all(for source: KernelSource, _ session: OpenCLSession) throws -> [MutantCheck] {
        try ofKernel(source, session) + sumChecks(source) + warpChecks(source) + precisionChecks(source)
            + plantedChecks(source)
            + largerChecks(source)
            + (isWarp(source) ? [] : verifications(source, ["block", "operation"], session))
    }

    /// Those of them that run little beside the file's own kernels.
    static func ofKernel(_ source: KernelSource, _ session: OpenCLSession) -> [MutantCheck] {
        let families = families(source), lanes = PanelTile(session.device).lanes
        // What other devices compile: other branches, another number of vectors in a panel.
        let other = PanelTile(lanes: lanes == 16 ? 8 : 16, workers: session.device.computeUnits)
        return verifications(source, families, session) + checksumChecks(source)
            + verifications(source, families.intersection(ofPanelTile), session, other)
    }

    private static func verifications(
        _ source: KernelSource, _ families: Set<String>, _ session: OpenCLSession, _ tile: PanelTile? = nil
    ) -> [MutantCheck] {
        let kernels: KernelClass = isTile(source) ? .tile : isWarp(source) ? .warp : .panel
        let words = tile.map { ", \($0.lanes) lanes" } ?? ""
        func problems(_ session: OpenCLSession) -> [VerificationProblems.Problem] {
            VerificationProblems(session: session, kernels: kernels, panelTile: tile).all
        }
        return problems(session).enumerated().filter { families.contains($1.family) }.map { index, problem in
            MutantCheck(name: "\(problem.family): \(problem.problem)\(words)") {
                // Not its outcome, which takes a kernel that does not compile for one that is wrong.
                let result = try problems($0)[index].compute()
                return result.error <= result.tolerance
            }
        }
    }

    /// The families of problems that run kernels with the tile that they are given.
    private static let ofPanelTile: Set = [
        "panel_pool", "panel_projection", "panel_attention", "panel_gram", "panel_order", "panel_transpose",
        "sort",
        "sorted_aggregate",
    ]

    private static func isTile(_ source: KernelSource) -> Bool { source.rawValue.hasPrefix("tile") }
    private static func isWarp(_ source: KernelSource) -> Bool { source.rawValue.hasPrefix("warp") }

    /// The families of problems whose kernels have the file in their program and need what is in it.
    private static func families(_ source: KernelSource) -> Set<String> {
        switch source {
        case .view: ["projection", "gather", "max_pool", "panel_projection", "panel_attention"]
        case .tile, .tilePack: ["tile_product", "tile_attention"]
        case .tileStorage: ["tile_product", "tile_softmax", "tile_attention"]
        case .tileMerge: ["tile_attention"]
        case .sortKey: ["sort"]
        case .tileSort: ["tile_sort", "tile_prefix"]
        case .tileSoftmax: ["softmax", "normalize", "tile_softmax"]
        case .panelTile, .panelPack: ["panel_projection", "panel_attention"]
        case .panelAttention: ["panel_attention", "panel_sums"]
        case .panelMerge: ["panel_attention", "panel_sums", "panel_skip", "checksum"]
        case .panelGramMerge: ["panel_gram"]
        case .panelChecksum: ["checksum"]
        case .panelSums, .tileSums: ["checksum", source.rawValue]
        case .warpTile, .warpPack: ["warp_product", "warp_attention"]
        case .warpTiling, .warpSteps, .warpMerge: ["warp_attention"]
        default: [source.rawValue]
        }
    }

    /// Sums by the kernels themselves.
    private static func checksumChecks(_ source: KernelSource) -> [MutantCheck] {
        guard [.checksum, .panelChecksum].contains(source) else { return [] }
        return ChecksumKernelTests.cases.map { problem in
            MutantCheck(name: "sums: \(problem.testDescription)") { session in
                let tile = PanelTile(session.device)
                guard source == .checksum else {
                    return try [View.Form.byRows, .byKeys].allSatisfy {
                        try problem.ofPacked($0, tile, session).allSatisfy(\.isRight)
                    }
                }
                return try [nil, tile].allSatisfy { tile in
                    let kernels = try ChecksumKernels(session.library, tile)
                    return try Arrangement.allCases.allSatisfy { arrangement in
                        try problem.overPositions(kernels, arrangement, session).isRight
                            && (1...4).allSatisfy { rows in
                                try problem.overChannels(
                                    kernels, arrangement, rows: rows, hasSquares: rows != 2, session
                                ).isRight
                            }
                    }
                }
            }
        }
    }

    /// Sums of right results agree.
    private static func sumChecks(_ source: KernelSource) -> [MutantCheck] {
        guard [.checksum, .panelChecksum, .panelSums, .tileSums].contains(source) else { return [] }
        let plain = ChecksumTests.problems.map { ($0, Absorption.off) }
        let absorbing = isTile(source) ? [] : ChecksumTests.absorbingProblems.map { ($0, Absorption.on) }
        return (plain + absorbing).map { problem, absorb in
            let maps = absorb == .on ? ", maps absorbed" : ""
            return MutantCheck(name: "sums that agree: \(problem.testDescription)\(maps)") { session in
                let validation = try problem.block().prepared(
                    for: problem.shape, on: session, strategy: absorb == .on ? .fused : .automatic,
                    kernels: isTile(source) ? .tile : .panel, skip: .off, absorb: absorb, validation: .off,
                    checksums: .on, testsKernels: false
                ).run(problem.input()).validation
                return (validation.maxSumError ?? 2) <= 1
            }
        }
    }

    private static func warpChecks(_ source: KernelSource) -> [MutantCheck] {
        guard isWarp(source) else { return [] }
        let attention = WarpMutationTests.cases + WarpAttentionKernelTests.cases
        let products = WarpProductKernelTests.cases
        return
            (source == .warpProduct
            ? []
            : attention.map { problem in
                MutantCheck(name: problem.testDescription) {
                    let (error, tolerance) = try problem.error($0)
                    return error <= tolerance
                }
            })
            + (![.warpTile, .warpPack, .warpProduct].contains(source)
                ? []
                : products.map { problem in
                    MutantCheck(name: problem.testDescription) {
                        let (actual, expected, tolerances) = try problem.run($0)
                        return zip(zip(actual, expected), tolerances).allSatisfy {
                            (Double($0.0) - $0.1).magnitude <= $1
                        }
                    }
                })
    }

    /// Numbers that float16 holds well stay in it, and others don't.
    private static func precisionChecks(_ source: KernelSource) -> [MutantCheck] {
        guard [.tilePack, .warpPack].contains(source) else { return [] }
        let problem = PrecisionTests.uneven
        return [(Precision.float16, 1 as Float), (.bfloat16, 0x1p40)].map { precision, factor in
            MutantCheck(name: "kept in \(precision.rawValue): \(problem.testDescription)") { session in
                let prepared = try problem.block().prepared(
                    for: problem.shape, on: session, strategy: .fused,
                    kernels: isTile(source) ? .tile : .warp,
                    testsKernels: false, precision: .mixed)
                let result = try prepared.run(PrecisionTests.input(raisedBy: factor))
                return result.precision == precision
            }
        }
    }

    /// The blocks in which a mistake planted by hand is caught.
    private static func plantedChecks(_ source: KernelSource) throws -> [MutantCheck] {
        let panels = MutationTests.mutations.filter { $0.source == source }.map { mutation in
            MutantCheck(name: mutation.testCase) { session in
                let problem = mutation.problem
                let strategy = mutation.skip == .on ? .fused : mutation.strategy
                let prepared = try problem.block().prepared(
                    for: problem.shape, on: session, strategy: strategy,
                    kernels: strategy == .staged ? nil : .panel, skip: mutation.skip, absorb: mutation.absorb,
                    validation: .full,
                    memoryLimit: problem.shape.last == 3000 ? 4 << 20 : nil, form: mutation.form)
                return try passes(prepared, problem, mutation.queries)
            }
        }
        let tiles = TileMutationTests.mutations.filter { $0.source == source }.map { mutation in
            MutantCheck(name: mutation.problem.testDescription) { session in
                try passes(mutation.prepared(on: session), mutation.problem, mutation.queries)
            }
        }
        var seen: Set<String> = []
        return (panels + tiles).filter { seen.insert($0.name).inserted }
    }

    /// More channels and positions than a tile has, and a scale that is less than one.
    private static func largerChecks(_ source: KernelSource) -> [MutantCheck] {
        guard !isWarp(source) else { return [] }
        let strongest = BlockCase([1, 4, 70]) {
            $0.ownWeight = .strongest
            $0.scale = .factor(0.5)
        }
        let problems: [(BlockCase, Strategy)] = [
            (BlockCase([1, 100, 60]) { $0.pairwise = .dotProduct }, .reassociated),
            (BlockCase([2, 40, 130]), .fused), (BlockCase([2, 40, 130]), .staged), (strongest, .staged),
        ]
        return problems.map { problem, strategy in
            MutantCheck(name: "\(strategy.rawValue): \(problem.testDescription)") { session in
                let isTile = isTile(source)
                let prepared = try problem.block().prepared(
                    for: problem.shape, on: session, strategy: strategy,
                    kernels: isTile ? .tile : strategy == .staged ? nil : .panel,
                    form: strategy == .fused && !isTile ? .panels : nil,
                    groupTile: isTile ? GroupTile.candidates(session.device).first : nil, testsKernels: false)
                return try passes(prepared, problem, nil)
            }
        }
    }

    private static func passes(
        _ prepared: PreparedBlock, _ problem: BlockCase, _ queries: [Int]?
    ) throws -> Bool {
        let report = try prepared.run(problem.input(), queries: queries).validation
        return (report.maxRelativeError ?? .infinity) <= report.tolerance ?? 0
    }
}
