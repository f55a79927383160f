import NonLocalKernels
import SwiftOpenCL

/// Launches `panel_block.cl`: projections, pooling, softmax attention and W_z of whole items at once.
struct PanelBlockKernel: Sendable {
    /// The tensors of a slice of the batch.
    struct Tensors {
        /// x after the group norm, and before it.
        let x: View
        let residual: View?
        let z: View
        let theta: View
        /// φ and g in their packed forms.
        let phi: View
        let g: View
        /// φ and g before they are pooled; none where they are not.
        let whole: (phi: View, g: View)?
        let y: View
    }

    private let kernel: Kernel
    private let problem: BlockProblem
    private let tile: PanelTile
    private let input: PackedLinear
    private let output: PackedLinear

    /// - Parameters:
    ///   - input: θ, φ and g.
    ///   - output: W_z.
    init(
        _ library: KernelLibrary, _ tile: PanelTile, _ problem: BlockProblem, input: PackedLinear,
        output: PackedLinear
    ) throws {
        kernel = try library.kernel("panel_block", of: KernelSource.panel, defining: tile.macros)
        self.problem = problem
        self.tile = tile
        self.input = input
        self.output = output
    }

    /// - Parameter scratch: as large as ``BlockProblem/blockCuts(_:items:)`` says.
    func launch(_ launcher: Launcher, _ tensors: Tensors, items: Int, scratch: Buffer<Float>) throws {
        let (configuration, geometry) = (problem.configuration, problem.geometry)
        let cuts = problem.blockCuts(tile, items: items)
        let extents = geometry.window?.extents(of: geometry.grid)
        let residual = tensors.residual ?? tensors.x
        let (wholePhi, wholeG) = tensors.whole ?? (tensors.phi, tensors.g)
        var arguments: [any KernelArgument] = [input.weight, input.bias, output.weight, output.bias]
        arguments += [tensors.x.buffer, tensors.x.argument] as [any KernelArgument]
        arguments += [residual.buffer, residual.argument] as [any KernelArgument]
        arguments.append(Int32(tensors.residual == nil ? 0 : 1))
        for view in [
            tensors.z, tensors.theta, tensors.phi, tensors.g, wholePhi, wholeG, tensors.y,
        ] {
            arguments += [view.buffer, view.argument] as [any KernelArgument]
        }
        arguments +=
            [
                Int32(geometry.channels), Int32(problem.width), Int32(configuration.valueChannels),
                int4(extents?.grid ?? geometry.grid.extents), int4(extents?.window ?? [0, 0, 0]),
                Int32(problem.rows), Int32(geometry.keys.count),
                Float(configuration.scale.value(width: problem.width)),
                Int32(configuration.ownWeight.kernelArgument),
                SIMD2(Int32(cuts.input.panels), Int32(cuts.input.tiles)),
                SIMD2(Int32(cuts.output.panels), Int32(cuts.output.tiles)), Int32(cuts.attention.panels),
                scratch,
                Int64(cuts.scratchSize / tile.lanes),
            ] as [any KernelArgument]
        try launcher.launch(
            kernel, arguments, blocks: items, workers: cuts.workers,
            operations: problem.steps.operations * Double(items) / Double(geometry.batch))
    }
}
