import NonLocalKernels
import SwiftOpenCL

/// Launches `tile_softmax.cl`: the normalisers over the keys, several work-items a query.
struct TileSoftmaxKernels: Sendable {
    /// Queries of a work-group, and work-items of each (`COLUMNS`, `LANES`).
    private static let columns = 16, lanes = 4

    private let softmax: Kernel
    private let bySum: Kernel

    init(_ library: KernelLibrary) throws {
        softmax = try library.kernel("tile_softmax", of: KernelSource.tiledSoftmax, defining: [:])
        bySum = try library.kernel("tile_normalize_by_sum", of: KernelSource.tiledSoftmax, defining: [:])
    }

    func launch(_ launcher: Launcher, _ s: Buffer<Float>, scale: Float, _ block: RowBlock) throws {
        try launch(launcher, softmax, [s, scale, Int32(block.keys), Int32(block.rows)], block)
    }

    func launchBySum(_ launcher: Launcher, _ w: Buffer<Float>, _ block: RowBlock) throws {
        try launch(launcher, bySum, [w, Int32(block.keys), Int32(block.rows)], block)
    }

    private func launch(
        _ launcher: Launcher, _ kernel: Kernel, _ arguments: [any KernelArgument], _ block: RowBlock
    ) throws {
        let columns = (block.rows + Self.columns - 1) / Self.columns * Self.columns
        try launcher.launch(
            kernel, arguments, global: [columns, Self.lanes, block.groups],
            local: [Self.columns, Self.lanes, 1])
    }
}
