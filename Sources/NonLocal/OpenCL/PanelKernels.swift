import NonLocalKernels
import SwiftOpenCL

/// Launches `panel_projection.cl`: up to three projections of the same x at once, or one with a residual.
struct PanelProjectionKernels: Sendable {
    private let plain: Kernel
    private let withResidual: Kernel
    private let tile: PanelTile

    init(_ library: KernelLibrary, _ tile: PanelTile) throws {
        plain = try library.kernel("panel_projection", of: KernelSource.panel, defining: tile.macros)
        withResidual = try library.kernel(
            "panel_projection_residual", of: KernelSource.panel, defining: tile.macros)
        self.tile = tile
    }

    /// - Parameters:
    ///   - y: a view for each of the maps.
    ///   - scratch: at least as large as ``PanelTile/projectionBlocks(inputs:outputs:positions:items:)`` says.
    func launch(
        _ launcher: Launcher, _ maps: PackedLinear, from x: View, to y: [View], positions: Int, items: Int,
        scratch: Buffer<Float>
    ) throws {
        guard let first = y.first, let last = y.last else { return }
        let limits = maps.outputs.reduce(into: [Int]()) { $0.append(($0.last ?? 0) + $1) }
        let views = [first, y.count > 2 ? y[1] : last, last]
        let second = limits[0]
        let third = y.count > 2 ? limits[1] : maps.rows
        var arguments: [any KernelArgument] = [
            maps.weight, maps.weightAt, maps.bias, maps.biasAt, x.buffer, x.argument,
        ]
        for view in views { arguments += [view.buffer, view.argument] as [any KernelArgument] }
        arguments += [Int32(second), Int32(third)] as [any KernelArgument]
        try launch(launcher, plain, arguments, maps, positions: positions, items: items, scratch)
    }

    func launch(
        _ launcher: Launcher, _ map: PackedLinear, from x: View, residual: View, to y: View, positions: Int,
        items: Int, scratch: Buffer<Float>
    ) throws {
        let arguments: [any KernelArgument] = [
            map.weight, map.weightAt, map.bias, map.biasAt, x.buffer, x.argument, residual.buffer,
            residual.argument, y.buffer, y.argument,
        ]
        try launch(launcher, withResidual, arguments, map, positions: positions, items: items, scratch)
    }

    private func launch(
        _ launcher: Launcher, _ kernel: Kernel, _ arguments: [any KernelArgument], _ maps: PackedLinear,
        positions: Int, items: Int, _ scratch: Buffer<Float>
    ) throws {
        let blocks = tile.projectionBlocks(
            inputs: maps.inputs, outputs: maps.rows, positions: positions, items: items)
        try launcher.launch(
            kernel,
            arguments + [
                Int32(maps.inputs), Int32(maps.rows), Int32(positions), Int32(items), Int32(blocks.panels),
                Int32(blocks.tiles), scratch,
            ], blocks: blocks.count, workers: blocks.workers,
            operations: Cost.product(maps.rows, maps.inputs, positions, batch: items).operations)
    }
}

/// Launches `panel_attention.cl`, softmax attention in one pass on φ and g packed before, and `panel_merge.cl`.
struct PanelAttentionKernels: Sendable {
    private let attention: Kernel
    private let merge: Kernel
    private let pack: PanelPackKernels
    private let tile: PanelTile
    private let ownWeight: OwnWeight

    init(_ library: KernelLibrary, _ tile: PanelTile, ownWeight: OwnWeight) throws {
        let sources = tile.sums ? KernelSource.panelSummed : KernelSource.panel
        attention = try library.kernel("panel_attention", of: sources, defining: tile.macros)
        merge = try library.kernel("panel_merge", of: sources, defining: tile.macros)
        pack = try PanelPackKernels(library, tile)
        self.tile = tile
        self.ownWeight = ownWeight
    }

    /// φ and g are packed first where they are not yet.
    ///
    /// - Parameters:
    ///   - packedPhi: room for φ of all groups, packed.
    ///   - packedG: room for g of all groups, packed.
    ///   - scratch: at least as large as ``PanelTile/attentionBlocks(width:valueChannels:rows:keys:groups:ownWeight:)``
    ///     says.
    ///   - shared: what the shares leave, if there are several.
    func launch(
        _ launcher: Launcher, _ operands: AttentionOperands, scale: Float, packedPhi: Buffer<Float>,
        packedG: Buffer<Float>, scratch: Buffer<Float>, shared: Buffer<Float>?
    ) throws {
        func blocks(sharesKeys: Bool) -> PanelTile.AttentionBlocks {
            tile.attentionBlocks(
                width: operands.width, valueChannels: operands.valueChannels, rows: operands.rows,
                keys: operands.keys, groups: operands.groups, ownWeight: ownWeight, sharesKeys: sharesKeys)
        }
        // Chosen queries may be fewer in a group than the schedule has room for shares of.
        let wanted = blocks(sharesKeys: true)
        let blocks = wanted.shared <= shared?.count ?? 0 ? wanted : blocks(sharesKeys: false)
        let (phi, g) = try pack.launch(launcher, operands, phi: packedPhi, g: packedG)
        let sums = try sumArguments(operands)
        let bias = operands.bias ?? .none(scratch), residual = operands.residual ?? .none(scratch)
        let watching: [any KernelArgument] = [
            operands.misfits ?? scratch, Int32(operands.misfits == nil ? 0 : 1),
        ]
        try launcher.launch(
            attention,
            [
                operands.theta.buffer, operands.theta.argument, phi.buffer, phi.argument, g.buffer,
                g.argument, operands.y.buffer, operands.y.argument, Int32(operands.width),
                Int32(operands.valueChannels), Int32(operands.rows), Int32(operands.keys), scale,
                Int32(blocks.panels), Int32(blocks.shares), Int32(ownWeight.kernelArgument), bias.buffer,
                bias.argument, residual.buffer, residual.argument,
            ] + watching + [scratch, shared ?? scratch] + sums, blocks: blocks.count, workers: blocks.workers,
            operations: operands.operations)
        guard blocks.shares > 1, let shared else { return }
        try launcher.launch(
            merge,
            [
                shared, residual.buffer, residual.argument, operands.y.buffer, operands.y.argument,
                Int32(operands.valueChannels), Int32(operands.rows), Int32(blocks.shares), scale,
            ] + watching + sums, global: [tile.panels(operands.rows), operands.groups], local: [1, 1])
    }

    /// What both kernels take besides where they give out sums.
    private func sumArguments(_ operands: AttentionOperands) throws -> [any KernelArgument] {
        guard tile.sums else { return [] }
        guard let sums = operands.sums else { throw AttentionOperands.noSums }
        return sums.kernelArguments
    }
}

extension OwnWeight {
    /// The number that `panel_attention.cl` knows it by.
    var kernelArgument: Int {
        switch self {
        case .include: 0
        case .exclude: 1
        case .strongest: 2
        }
    }
}
