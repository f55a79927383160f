import NonLocalKernels
import SwiftOpenCL

/// Launches `panel_time.cl`, softmax attention along time with lanes along the pixels.
struct PanelTimeKernel: Sendable {
    private let kernel: Kernel
    private let tile: PanelTile
    private let ownWeight: OwnWeight

    init(_ library: KernelLibrary, _ tile: PanelTile, ownWeight: OwnWeight) throws {
        kernel = try library.kernel("panel_time", of: KernelSource.panel, defining: tile.macros)
        self.tile = tile
        self.ownWeight = ownWeight
    }

    /// - Parameters:
    ///   - operands: whose groups are the pixels, side by side and as many in each item.
    ///   - scratch: at least as large as ``PanelTile/timeScratch(keys:)`` says.
    func launch(
        _ launcher: Launcher, _ operands: AttentionOperands, scale: Float, scratch: Buffer<Float>
    ) throws {
        let pixels = operands.theta.groups, items = operands.groups / pixels
        let vectors = items * ((pixels + tile.lanes - 1) / tile.lanes)
        try launcher.launch(
            kernel,
            [
                operands.theta.buffer, operands.theta.argument, operands.phi.buffer, operands.phi.argument,
                operands.g.buffer, operands.g.argument, operands.y.buffer, operands.y.argument,
                Int32(operands.width), Int32(operands.valueChannels), Int32(operands.rows),
                Int32(operands.keys), Int32(pixels), scale, Int32(ownWeight.kernelArgument), scratch,
            ], blocks: vectors, workers: min(tile.workers, vectors), operations: operands.operations)
    }
}
