import NonLocalKernels
import SwiftOpenCL

/// Launches `tile_softmax.cl`: the normalisers over the keys, several work-items a query. The softmax may leave its
/// weights in 16 bits.
struct TileSoftmaxKernels: Sendable {
    /// Queries of a work-group, and work-items of each (`COLUMNS`, `LANES`).
    private static let columns = 16, lanes = 4

    private let softmax: Kernel
    private let bySum: Kernel

    /// - Parameter precision: what the softmax leaves its weights in.
    init(_ library: KernelLibrary, _ precision: Precision = .float32) throws {
        func kernel(_ name: String) throws -> Kernel {
            try library.kernel(name, of: KernelSource.tiledSoftmax, defining: precision.storageMacros)
        }
        softmax = try kernel("tile_softmax")
        bySum = try kernel("tile_normalize_by_sum")
    }

    /// - Parameter weights: room for the weights in 16 bits; in the place of the scores without.
    func launch(
        _ launcher: Launcher, _ s: Buffer<Float>, scale: Float, _ block: RowBlock,
        to weights: Buffer<Float>? = nil
    ) throws {
        let room: [any KernelArgument] = weights.map { [$0] } ?? []
        try launch(launcher, softmax, [s, scale, Int32(block.keys), Int32(block.rows)] + room, block)
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
