import NonLocalKernels
import SwiftOpenCL

/// Launches `warp_product.cl`: up to three projections of the same x at once, or one with a residual.
struct WarpProduct: Sendable {
    /// Tiles of rows and of columns that a work-group computes, and its work-items.
    private static let block = 8, threads = 256

    private let arithmetic: WarpTile.Arithmetic
    private let product: Kernel
    private let pack: WarpPackKernels

    init(_ library: KernelLibrary, _ arithmetic: WarpTile.Arithmetic, usesPTX: Bool) throws {
        func kernel(_ name: String, workItems: Int = 1) throws -> Kernel {
            try library.kernel(
                name, of: KernelSource.warpProducts,
                defining: Self.macros(arithmetic, usesPTX: usesPTX), isOptimized: usesPTX,
                workItems: workItems)
        }
        self.arithmetic = arithmetic
        product = try kernel("warp_product", workItems: Self.threads)
        pack = try WarpPackKernels { try kernel($0) }
    }

    static func macros(_ arithmetic: WarpTile.Arithmetic, usesPTX: Bool) -> [String: String] {
        [
            "WARP_PTX": usesPTX ? "1" : "0", "PARTS": "\(arithmetic.parts)",
            "BFLOAT": arithmetic == .bfloat16 ? "1" : "0",
        ]
    }

    /// Affine maps of the same channels, one below the other, in device memory.
    struct Maps: Sendable {
        let weight: WarpImage
        /// What each row is scaled for.
        let limits: Buffer<Float>
        let bias: Buffer<Float>
        let inputs: Int
        /// Outputs of each map; three at most.
        let outputs: [Int]
        /// Whether float16 holds the weights as well as bfloat16 would.
        let fits: Bool
    }

    /// Tiles of rows or positions, and of terms, in an image: whole work-groups and stages.
    private static func tiles(
        _ arithmetic: WarpTile.Arithmetic, rows: Int, terms: Int
    ) -> (rows: Int, terms: Int) {
        func tiles(_ count: Int, _ unit: Int) -> Int { (count + 16 * unit - 1) / (16 * unit) * unit }
        return (tiles(rows, block), tiles(terms, 2 / arithmetic.parts))
    }

    private func image(
        _ buffer: Buffer<Float>, rows: Int, terms: Int, _ side: WarpImage.Side
    ) -> WarpImage {
        let tiles = Self.tiles(arithmetic, rows: rows, terms: terms)
        return WarpImage(
            buffer: buffer, rowTiles: tiles.rows, termTiles: tiles.terms, order: .byRows(Self.block),
            side: side)
    }

    /// Elements of the image of `items` tensors.
    static func elements(
        _ arithmetic: WarpTile.Arithmetic, channels: Int, positions: Int, items: Int
    ) -> Int {
        let tiles = tiles(arithmetic, rows: positions, terms: channels)
        return items * tiles.rows * tiles.terms * 128 * arithmetic.parts
    }

    /// Brings maps to the device.
    func load(_ maps: [Linear], in session: OpenCLSession) throws -> Maps {
        let inputs = maps.first?.inputs ?? 0
        let rows = maps.reduce(0) { $0 + $1.outputs }
        let weights = try Buffer(
            session.context, copying: maps.flatMap { $0.weight.map(Float.init) }, access: .readOnly)
        let limits = try Buffer(session.context, copying: maps.flatMap(\.rowLimits), access: .readOnly)
        let packed = image(
            try session.allocate(
                Self.elements(arithmetic, channels: inputs, positions: rows, items: 1)), rows: rows,
            terms: inputs, .left)
        let misfits = try Buffer<Float>(session.context, copying: [0])
        let launcher = session.launcher()
        let view = View(weights, channels: inputs, positions: rows, layout: .channelsLast)
        try pack.launch(
            launcher, view, channels: inputs, positions: rows, groups: 1, limits: limits, scalesRows: true,
            to: packed, misfits: misfits)
        try launcher.finish()
        return Maps(
            weight: packed, limits: limits,
            bias: try Buffer(
                session.context, copying: maps.flatMap { $0.bias.map(Float.init) }, access: .readOnly),
            inputs: inputs, outputs: maps.map(\.outputs), fits: try session.queue.read(misfits) == [0])
    }

    /// Applies maps to x, each to a view of its own; a residual goes with a single map only.
    ///
    /// - Parameters:
    ///   - image: room for x, as large as ``elements(_:channels:positions:items:)`` says.
    ///   - limits: room for a number for each item.
    ///   - misfits: set where float16 holds x worse than bfloat16 would.
    func launch(
        _ launcher: Launcher, _ maps: Maps, from x: View, residual: View? = nil, to y: [View],
        positions: Int, items: Int, image room: Buffer<Float>, limits: Buffer<Float>,
        misfits: Buffer<Float>? = nil
    ) throws {
        guard let first = y.first, let last = y.last else { return }
        let packed = image(room, rows: positions, terms: maps.inputs, .right)
        try launcher.queue.fill(limits, with: 0)
        try pack.launch(
            launcher, limitOf: x, channels: maps.inputs, positions: positions, groups: items, to: limits)
        try pack.launch(
            launcher, x, channels: maps.inputs, positions: positions, groups: items, limits: limits,
            to: packed, misfits: misfits)
        let rows = maps.outputs.reduce(0, +)
        let second = maps.outputs[0]
        let third = y.count > 2 ? second + maps.outputs[1] : rows
        var arguments: [any KernelArgument] = [
            maps.weight.buffer, room, Int32(1), maps.limits, Int32(0), limits, Int32(0), maps.bias, Int32(1),
        ]
        let added = residual ?? first
        arguments += [added.buffer, added.argument, Int32(residual == nil ? 0 : 1)] as [any KernelArgument]
        for view in [first, y.count > 2 ? y[1] : last, last] {
            arguments += [view.buffer, view.argument] as [any KernelArgument]
        }
        arguments +=
            [
                Int32(second), Int32(third), Int32(rows), Int32(positions),
                Int32(packed.termTiles * arithmetic.parts / 2),
            ] as [any KernelArgument]
        try launcher.inSlices(
            of: product, count: items, most: launcher.mostWorkGroups,
            operations: Cost.product(rows, maps.inputs, positions, batch: items).operations
        ) { slice, operations in
            try launcher.launch(
                product, arguments + [Int32(slice.lowerBound)],
                global: [
                    packed.rowTiles / Self.block * Self.threads, maps.weight.rowTiles / Self.block,
                    slice.count,
                ], local: [Self.threads, 1, 1], operations: operations)
        }
    }
}

extension Linear {
    /// The largest magnitude in each row of the weights.
    fileprivate var rowLimits: [Float] {
        (0..<outputs).map { row in
            weight[row * inputs..<(row + 1) * inputs].reduce(0) { largest, weight in
                let size = Float(weight.magnitude)
                return size.isFinite ? max(largest, size) : largest
            }
        }
    }
}
