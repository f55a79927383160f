import NonLocalKernels
import SwiftOpenCL

/// Launches `panel_order.cl`: positions ordered so that neighbours are near each other.
struct PanelOrderKernel: Sendable {
    private let kernel: Kernel
    private let tile: PanelTile

    init(_ library: KernelLibrary, _ tile: PanelTile) throws {
        kernel = try library.kernel("panel_order", of: KernelSource.panel, defining: tile.macros)
        self.tile = tile
    }

    /// - Parameter order: room for the order of each group, `[groups][count]`, as `int`.
    func launch(
        _ launcher: Launcher, of x: View, width: Int, count: Int, groups: Int, to order: Buffer<Float>
    ) throws {
        for pass in tile.orderPasses(count) {
            for level in 0..<pass.levels {
                try launcher.launch(
                    kernel,
                    [
                        x.buffer, x.argument, order, Int32(width), Int32(count), Int32(pass.span),
                        Int32(pass.unit), Int32(level),
                    ], global: [((count + pass.span - 1) / pass.span) << level, groups], local: [1, 1])
            }
        }
    }
}

/// Launches `panel_skip.cl`: softmax attention that leaves out key blocks, on copies of the operands in order.
struct SkippingAttention: Sendable {
    private let order: PanelOrderKernel
    private let gather: GatherKernel
    private let pack: PanelPackKernels
    private let boxes: Kernel
    private let attention: Kernel
    private let tile: PanelTile
    private let ownWeight: OwnWeight

    init(_ library: KernelLibrary, _ tile: PanelTile, ownWeight: OwnWeight) throws {
        order = try PanelOrderKernel(library, tile)
        gather = try GatherKernel(library)
        pack = try PanelPackKernels(library, tile)
        boxes = try library.kernel("panel_boxes", of: KernelSource.panel, defining: tile.macros)
        attention = try library.kernel(
            "panel_attention_skipping", of: KernelSource.panel, defining: tile.macros)
        self.tile = tile
        self.ownWeight = ownWeight
    }

    func launch(
        _ launcher: Launcher, _ operands: AttentionOperands, scale: Float, _ workspace: Workspace
    ) throws {
        let (rows, keys, groups) = (operands.rows, operands.keys, operands.groups)
        func ordered(
            _ view: View, _ order: Buffer<Float>, _ channels: Int, _ positions: Int, _ role: BufferRole
        )
            throws -> View
        {
            let result = View(try workspace.required(role), channels: channels, positions: positions)
            try gather.launch(
                launcher, from: view, index: order, count: positions, to: result, channels: channels,
                items: groups)
            return result
        }
        let keyOrder = try workspace.required(.keyOrder)
        try order.launch(
            launcher, of: operands.phi, width: operands.width, count: keys, groups: groups, to: keyOrder)
        // A position's own key is known by its place, which has to be the same among queries and keys.
        var queryOrder = keyOrder
        if ownWeight == .include {
            queryOrder = try workspace.required(.queryOrder)
            try order.launch(
                launcher, of: operands.theta, width: operands.width, count: rows, groups: groups,
                to: queryOrder)
        }
        var inOrder = operands
        inOrder.theta = try ordered(operands.theta, queryOrder, operands.width, rows, .orderedTheta)
        inOrder.phi = try ordered(operands.phi, keyOrder, operands.width, keys, .orderedPhi)
        inOrder.g = try ordered(operands.g, keyOrder, operands.valueChannels, keys, .orderedG)
        inOrder.y = View(
            try workspace.required(.orderedAggregate), channels: operands.valueChannels, positions: rows)
        try attend(launcher, inOrder, scale: scale, workspace)
        try gather.launchBack(
            launcher, from: inOrder.y, index: queryOrder, count: rows, to: operands.y,
            channels: operands.valueChannels, items: groups)
    }

    /// The operation on operands that are in order.
    private func attend(
        _ launcher: Launcher, _ operands: AttentionOperands, scale: Float, _ workspace: Workspace
    ) throws {
        let (width, keys, groups) = (operands.width, operands.keys, operands.groups)
        let blocks = tile.attentionBlocks(
            width: width, valueChannels: operands.valueChannels, rows: operands.rows, keys: keys,
            groups: groups, ownWeight: ownWeight, skips: true)
        let (phi, g) = try pack.launch(
            launcher, operands, phi: workspace.required(.packedPhi), g: workspace.required(.packedG))
        let boxed = try workspace.required(.boxes)
        try launcher.launch(
            boxes,
            [
                operands.phi.buffer, operands.phi.argument, boxed, Int32(width), Int32(keys),
            ],
            global: [tile.packedByRows(tile.keyBlocks(keys), 1), groups], local: [1, 1])
        try launcher.launch(
            attention,
            [
                operands.theta.buffer, operands.theta.argument, phi.buffer, phi.argument, g.buffer,
                g.argument,
                boxed, operands.y.buffer, operands.y.argument, Int32(width), Int32(operands.valueChannels),
                Int32(operands.rows),
                Int32(keys), scale, Int32(blocks.panels),
                Int32(ownWeight.kernelArgument), try workspace.required(.computedBlocks),
                try workspace.required(.scratch),
            ], blocks: blocks.count, workers: blocks.workers, operations: operands.operations)
    }
}

/// How many blocks of keys were computed, and how many there were, over all panels of queries.
struct ComputedBlocks: Sendable {
    private var computed = 0
    private var all = 0

    /// The share that was computed; none where all are.
    var share: Double? { all > 0 ? Double(computed) / Double(all) : nil }

    /// Adds what a run over `groups` groups left in its workspace, once it is done.
    mutating func add(_ workspace: Workspace, _ queue: Queue, groups: Int, rows: Int, keys: Int) throws {
        guard let counts = workspace[.computedBlocks], let tile = workspace.schedule.method.tile else {
            return
        }
        let panels = groups * tile.panels(rows)
        computed += try queue.read(counts, range: 0..<panels).reduce(0) { $0 + Int($1.bitPattern) }
        all += panels * tile.keyBlocks(keys)
    }
}
