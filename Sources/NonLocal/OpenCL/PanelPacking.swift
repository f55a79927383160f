import NonLocalKernels
import SwiftOpenCL

extension PanelTile {
    /// Packed tensors `[items][groups][channels, positions]` from the start of a buffer.
    func view(
        _ buffer: Buffer<Float>, _ form: View.Form, channels: Int, positions: Int, groups: Int
    ) -> View {
        let size = form == .byKeys ? packedByKeys(channels, positions) : packedByRows(positions, channels)
        return View(buffer, form, channels: channels, positions: positions, groups: groups, size: size)
    }
}

/// Launches `panel_pack.cl`: tensors brought into the forms that the register tile reads.
struct PanelPackKernels: Sendable {
    /// Row panels that one work-item packs (`PACKED`).
    private static let panelsPerItem = 8

    private let rows: Kernel
    private let keys: Kernel
    private let tile: PanelTile

    init(_ library: KernelLibrary, _ tile: PanelTile) throws {
        rows = try library.kernel("panel_pack_rows", of: KernelSource.panel, defining: tile.macros)
        keys = try library.kernel("panel_pack_keys", of: KernelSource.panel, defining: tile.macros)
        self.tile = tile
    }

    /// Packs x `[group][channel][position]` into the form of `packed`.
    func launch(
        _ launcher: Launcher, from x: View, to packed: View, channels: Int, positions: Int, groups: Int
    ) throws {
        func blocks(_ count: Int, _ size: Int) -> Int { (count + size - 1) / size }
        switch packed.form {
        case .byKeys:
            try launcher.launch(
                keys, [x.buffer, x.argument, packed.buffer, Int32(channels), Int32(positions)],
                global: [blocks(positions, tile.blockKeys), tile.tiles(channels), groups], local: [1, 1, 1])
        default:
            try launcher.launch(
                rows, [x.buffer, x.argument, packed.buffer, Int32(positions), Int32(channels)],
                global: [
                    blocks(tile.tiles(positions), Self.panelsPerItem), blocks(channels, tile.depth), groups,
                ], local: [1, 1, 1])
        }
    }
}

extension PanelPackKernels {
    /// φ and g as `panel_attention.cl` reads them, packed into the given room where they are not yet.
    func launch(
        _ launcher: Launcher, _ operands: AttentionOperands, phi: Buffer<Float>, g: Buffer<Float>
    ) throws -> (phi: View, g: View) {
        func packed(_ view: View, _ form: View.Form, _ room: Buffer<Float>, _ channels: Int) throws -> View {
            guard view.form == .strided else { return view }
            let result = tile.view(room, form, channels: channels, positions: operands.keys, groups: 1)
            try launch(
                launcher, from: view, to: result, channels: channels, positions: operands.keys,
                groups: operands.groups)
            return result
        }
        return (
            try packed(operands.phi, .byRows, phi, operands.width),
            try packed(operands.g, .byKeys, g, operands.valueChannels)
        )
    }
}

/// Launches `panel_pool.cl`: φ and g of whole items max pooled into their packed forms, or x as it lies.
struct PanelPoolKernel: Sendable {
    private let kernel: Kernel

    init(_ library: KernelLibrary, _ tile: PanelTile) throws {
        kernel = try library.kernel("panel_pool", of: KernelSource.panel, defining: tile.macros)
    }

    /// Pools a tensor whose groups are whole items.
    func launch(
        _ launcher: Launcher, from x: View, to y: View, channels: Int, grid: Grid, window: Geometry.Window,
        pooled: Int, items: Int
    ) throws {
        try launch(
            launcher, phi: x, g: x, toPhi: y, toG: y, width: channels, valueChannels: 0, grid: grid,
            window: window, keys: pooled, items: items)
    }

    /// - Parameter keys: pooled positions of a group.
    func launch(
        _ launcher: Launcher, phi: View, g: View, toPhi: View, toG: View, width: Int, valueChannels: Int,
        grid: Grid, window: Geometry.Window, keys: Int, items: Int
    ) throws {
        let (extents, sizes) = window.extents(of: grid)
        try launcher.launch(
            kernel,
            [
                phi.buffer, phi.argument, g.buffer, g.argument, toPhi.buffer, toPhi.argument, toG.buffer,
                toG.argument, Int32(width), int4(extents), int4(sizes), Int32(keys),
            ], global: [width + valueChannels, items], local: [1, 1])
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

    init(_ maps: [Linear], _ pack: PanelPackKernels, _ tile: PanelTile, in session: OpenCLSession) throws {
        inputs = maps.first?.inputs ?? 0
        outputs = maps.map(\.outputs)
        bias = try Buffer(session.context, copying: maps.flatMap(\.bias).map(Float.init), access: .readOnly)
        let rows = outputs.reduce(0, +)
        let plain = try Buffer(session.context, copying: maps.flatMap(\.weight).map(Float.init))
        weight = try session.allocate(tile.packedByRows(rows, inputs))
        var view = View(plain, channels: inputs, positions: rows, layout: .channelsLast)
        view.itemStride = 0
        let launcher = session.launcher()
        try pack.launch(
            launcher, from: view,
            to: tile.view(weight, .byRows, channels: inputs, positions: rows, groups: 1), channels: inputs,
            positions: rows, groups: 1)
        try launcher.finish()
    }
}
