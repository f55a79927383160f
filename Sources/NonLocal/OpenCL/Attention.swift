import SwiftOpenCL

/// The operation on a device, by the strategy that the plan chose.
struct Attention: Sendable {
    private enum Kernels: Sendable {
        case staged(StagedAttention)
        case fused(PanelAttentionKernels, scale: Float)
        case time(PanelTimeKernel, scale: Float)
        case sorted(SortedAttention)
        case tileSorted(TileSortedAttention)
        case skipping(SkippingAttention, scale: Float)
        case reassociated(ReassociatedAttention)
        case warp(WarpAttention, WarpMethod, scale: Float)
        case tileFused(TileAttentionKernels, scale: Float)
        case tileReassociated(TileReassociation)
    }

    private let kernels: Kernels

    /// - Parameters:
    ///   - width: channels of θ and φ.
    ///   - valueChannels: of g and y.
    ///   - groups: about how many a launch has.
    init(
        _ library: KernelLibrary, _ method: Method, formulation: Formulation, scale: Double,
        ownWeight: OwnWeight, width: Int, valueChannels: Int, groups: Int
    ) throws {
        if let warp = method.warp, method.strategy == .fused {
            kernels = .warp(
                try WarpAttention(library, warp.variant(width: width, values: valueChannels)), warp,
                scale: Float(scale))
        } else if method.strategy == .reassociated, let tile = method.groupTile {
            kernels = .tileReassociated(try TileReassociation(library, tile, scale: scale))
        } else if method.strategy == .fused, let tile = method.groupTile {
            kernels = .tileFused(
                try TileAttentionKernels(
                    library, tile, ownWeight: ownWeight, valueChannels: valueChannels, method.precision,
                    sums: method.sums),
                scale: Float(scale))
        } else if method.strategy == .reassociated, let tile = method.tile {
            kernels = .reassociated(
                try ReassociatedAttention(library, tile, scale: scale, valueChannels: valueChannels))
        } else if method.skips, let tile = method.tile {
            kernels = .skipping(
                try SkippingAttention(library, tile, ownWeight: ownWeight), scale: Float(scale))
        } else if method.form == .time, let tile = method.tile {
            kernels = .time(try PanelTimeKernel(library, tile, ownWeight: ownWeight), scale: Float(scale))
        } else if method.strategy == .fused, let tile = method.tile {
            kernels = .fused(
                try PanelAttentionKernels(library, tile, ownWeight: ownWeight), scale: Float(scale))
        } else if method.strategy == .sorted, let tile = method.groupTile {
            kernels = .tileSorted(try TileSortedAttention(library, tile))
        } else if method.strategy == .sorted, let tile = method.tile {
            kernels = .sorted(
                try SortedAttention(library, tile, valueChannels: valueChannels, groups: groups))
        } else {
            kernels = .staged(
                try StagedAttention(
                    library, method.groupTile, method.warp, formulation: formulation, scale: scale,
                    ownWeight: ownWeight, method.precision,
                    sums: method.sums ? try AttentionSums(library) : nil))
        }
    }

    /// Computes y, or hands the normalised affinities of each block to `sink` instead.
    ///
    /// - Parameter sink: for the staged strategy only.
    func run(
        _ launcher: Launcher, _ operands: AttentionOperands, _ workspace: Workspace,
        sink: ((RowBlock) throws -> Void)? = nil
    ) throws {
        switch kernels {
        case .staged(let staged):
            try staged.run(launcher, operands, workspace, sink: sink)
        case .skipping(let kernels, let scale):
            try kernels.launch(launcher, operands, scale: scale, workspace)
        case .fused(let kernel, let scale):
            try kernel.launch(
                launcher, operands, scale: scale, packedPhi: workspace.required(.packedPhi),
                packedG: workspace.required(.packedG), scratch: workspace.required(.scratch),
                shared: workspace[.shares])
        case .time(let kernel, let scale):
            try kernel.launch(launcher, operands, scale: scale, scratch: workspace.required(.scratch))
        case .sorted(let sorted):
            try sorted.run(
                launcher, operands, sorted: workspace.required(.sorted),
                scratch: workspace.required(.scratch),
                transposedG: workspace[.transposedG], transposedY: workspace[.transposedAggregate])
        case .tileSorted(let sorted):
            try sorted.run(
                launcher, operands,
                TileSortedAttention.Room(
                    sorted: workspace.required(.sorted), scratch: workspace.required(.scratch),
                    parts: workspace.required(.partSums), sums: workspace.required(.runningSums)))
        case .warp(let kernels, let method, let scale):
            let limits = try workspace.required(.limits)
            let shared = workspace[.shares]
            try kernels.launch(
                launcher, operands, scale: scale,
                shares: method.shares(kernels.variant, operands, room: shared?.count ?? 0),
                WarpAttention.Room(
                    theta: workspace.required(.packedTheta), phi: workspace.required(.packedPhi),
                    g: workspace.required(.packedG), limits: limits, shared: shared ?? limits,
                    misfits: workspace[.misfits]))
        case .reassociated(let attention): try attention.run(launcher, operands, workspace)
        case .tileFused(let kernels, let scale):
            try kernels.launch(
                launcher, operands, scale: scale, shared: workspace[.shares],
                packed: TilePackKernels.Room(workspace))
        case .tileReassociated(let products): try products.operate(launcher, operands, workspace)
        }
    }
}
