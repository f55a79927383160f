import NonLocalKernels
import SwiftOpenCL

/// Launches `panel_pack.cl`: rows packed for the register tile.
struct PanelPackKernel: Sendable {
    /// Row panels that one work-item packs (`PACKED`).
    private static let panelsPerItem = 8

    private let kernel: Kernel
    private let tile: PanelTile

    init(_ library: KernelLibrary, _ tile: PanelTile) throws {
        kernel = try library.kernel("panel_pack", of: KernelSource.panel, defining: tile.macros)
        self.tile = tile
    }

    /// Packs x `[group][term][row]`, terms along the view's channels, rows along its positions.
    ///
    /// - Parameter part: terms that are read together.
    func launch(
        _ launcher: Launcher, from x: View, to packed: Buffer<Float>, rows: Int, terms: Int, part: Int,
        groups: Int
    ) throws {
        let items = (tile.tiles(rows) + Self.panelsPerItem - 1) / Self.panelsPerItem
        try launcher.launch(
            kernel, [x.buffer, x.argument, packed, Int32(rows), Int32(terms), Int32(part)],
            global: [items, (terms + part - 1) / part, groups], local: [1, 1, 1])
    }
}

/// Affine maps of the same channels in device memory, one below the other, packed for the register tile.
struct PackedLinear: Sendable {
    let weight: Buffer<Float>
    let bias: Buffer<Float>
    let inputs: Int
    /// Outputs of each map; three at most.
    let outputs: [Int]
    /// Where the weights and biases of the first item lie, and how far the next item's are: nowhere else
    /// where all share them.
    var weightAt = SIMD2<Int64>(0, 0)
    var biasAt = SIMD2<Int64>(0, 0)

    var rows: Int { outputs.reduce(0, +) }

    init(_ maps: [Linear], _ pack: PanelPackKernel, _ tile: PanelTile, in session: OpenCLSession) throws {
        inputs = maps.first?.inputs ?? 0
        outputs = maps.map(\.outputs)
        bias = try Buffer(session.context, copying: maps.flatMap(\.bias).map(Float.init), access: .readOnly)
        let rows = outputs.reduce(0, +)
        let plain = try Buffer(session.context, copying: maps.flatMap(\.weight).map(Float.init))
        weight = try Buffer(session.context, count: tile.packed(rows, inputs))
        var view = View(plain, channels: inputs, positions: rows, layout: .channelsLast)
        view.itemStride = 0
        let launcher = Launcher(session.queue)
        try pack.launch(
            launcher, from: view, to: weight, rows: rows, terms: inputs, part: tile.depth, groups: 1)
        try launcher.finish()
    }
}

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
            ], global: [blocks.workers], local: [1])
    }
}

/// Launches `panel_attention.cl`, softmax attention in one pass on φ and g packed before, and `panel_merge.cl`.
struct PanelAttentionKernels: Sendable {
    private let attention: Kernel
    private let merge: Kernel
    private let pack: PanelPackKernel
    private let tile: PanelTile
    private let ownWeight: OwnWeight

    init(_ library: KernelLibrary, _ tile: PanelTile, ownWeight: OwnWeight) throws {
        attention = try library.kernel("panel_attention", of: KernelSource.panel, defining: tile.macros)
        merge = try library.kernel("panel_merge", of: KernelSource.panel, defining: tile.macros)
        pack = try PanelPackKernel(library, tile)
        self.tile = tile
        self.ownWeight = ownWeight
    }

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
        var g = operands.g
        (g.channelStride, g.positionStride) = (g.positionStride, g.channelStride)
        try pack.launch(
            launcher, from: operands.phi, to: packedPhi, rows: operands.keys, terms: operands.width,
            part: tile.depth, groups: operands.groups)
        try pack.launch(
            launcher, from: g, to: packedG, rows: operands.valueChannels, terms: operands.keys,
            part: blocks.keys,
            groups: operands.groups)
        try launcher.launch(
            attention,
            [
                operands.theta.buffer, operands.theta.argument, packedPhi, packedG, operands.y.buffer,
                operands.y.argument, Int32(operands.width), Int32(operands.valueChannels),
                Int32(operands.rows),
                Int32(operands.keys), Int32(operands.groups), scale, Int32(blocks.panels), Int32(blocks.keys),
                Int32(blocks.shares), Int32(ownWeight.kernelArgument), scratch, shared ?? scratch,
            ], global: [blocks.workers], local: [1])
        guard blocks.shares > 1, let shared else { return }
        try launcher.launch(
            merge,
            [
                shared, operands.y.buffer, operands.y.argument, Int32(operands.valueChannels),
                Int32(operands.rows), Int32(blocks.shares), scale,
            ], global: [tile.panels(operands.rows), operands.groups], local: [1, 1])
    }
}

extension OwnWeight {
    /// The number that `panel_attention.cl` knows it by.
    fileprivate var kernelArgument: Int {
        switch self {
        case .include: 0
        case .exclude: 1
        case .strongest: 2
        }
    }
}
