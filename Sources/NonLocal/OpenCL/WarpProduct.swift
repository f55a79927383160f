import NonLocalKernels
import SwiftOpenCL

/// Launches `warp_product.cl`: up to three projections of the same x at once, or one with a residual; or products of
/// two tensors.
struct WarpProduct: Sendable {
    /// Tiles of rows and of columns that a work-group computes, and its work-items.
    private static let block = 8, threads = 256
    /// Rows, and columns, of a work-group.
    static let blockRows = 16 * block

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
        try launcher.queue.fill(limits, with: 0)
        let x = try factor(
            launcher, x, channels: maps.inputs, positions: positions, groups: items, .right, room: room,
            limits: limits, misfits: misfits)
        let rows = maps.outputs.reduce(0, +)
        try multiply(
            launcher, Factor(image: maps.weight, limits: maps.limits), isShared: true, x, bias: maps.bias,
            residual: residual, to: y, heights: maps.outputs,
            ProductSize(rows: rows, terms: maps.inputs, columns: positions, groups: items))
    }

    /// A factor of products, in device memory.
    struct Factor: Sendable {
        let image: WarpImage
        /// What it is scaled for, from `firstLimit` on.
        let limits: Buffer<Float>
        var firstLimit = 0
    }

    /// Packs a tensor as a factor, another one for each group: channels are terms, positions rows or columns.
    ///
    /// - Parameters:
    ///   - room: as large as ``elements(_:channels:positions:items:)`` says.
    ///   - limits: for what each group is scaled, from `firstLimit` on; what is greater there is kept.
    ///   - isMeasured: whether that is its largest magnitude, or what is there.
    ///   - misfits: set where float16 holds it worse than bfloat16 would.
    func factor(
        _ launcher: Launcher, _ x: View, channels: Int, positions: Int, groups: Int, _ side: WarpImage.Side,
        room: Buffer<Float>, limits: Buffer<Float>, firstLimit: Int = 0, isMeasured: Bool = true,
        misfits: Buffer<Float>? = nil
    ) throws -> Factor {
        let packed = image(room, rows: positions, terms: channels, side)
        if isMeasured {
            try pack.launch(
                launcher, limitOf: x, channels: channels, positions: positions, groups: groups, to: limits,
                first: firstLimit)
        }
        try pack.launch(
            launcher, x, channels: channels, positions: positions, groups: groups, limits: limits,
            first: firstLimit, to: packed, misfits: misfits)
        return Factor(image: packed, limits: limits, firstLimit: firstLimit)
    }

    /// y[r, n] = Σ_k rows[k, r] columns[k, n] in each group.
    ///
    /// - Parameters:
    ///   - rows: packed as a left factor.
    ///   - columns: packed as a right one.
    func launch(
        _ launcher: Launcher, _ rows: Factor, _ columns: Factor, to y: View, _ size: ProductSize
    ) throws {
        try multiply(
            launcher, rows, isShared: false, columns, bias: nil, residual: nil, to: [y],
            heights: [size.rows], size)
    }

    /// - Parameter isShared: whether all groups have the same rows, each scaled by itself.
    private func multiply(
        _ launcher: Launcher, _ rows: Factor, isShared: Bool, _ columns: Factor, bias: Buffer<Float>?,
        residual: View?, to y: [View], heights: [Int], _ size: ProductSize
    ) throws {
        guard let first = y.first, let last = y.last, let height = heights.first else { return }
        let third = y.count > 2 ? height + heights[1] : size.rows
        // What is not there is not read, whatever stands in its place.
        let added = residual ?? first
        var arguments: [any KernelArgument] = [
            rows.image.buffer, columns.image.buffer, Int32(isShared ? 1 : 0), rows.limits,
            Int32(rows.firstLimit), columns.limits, Int32(columns.firstLimit), bias ?? columns.limits,
            Int32(bias == nil ? 0 : 1), added.buffer, added.argument, Int32(residual == nil ? 0 : 1),
        ]
        for view in [first, y.count > 2 ? y[1] : last, last] {
            arguments += [view.buffer, view.argument] as [any KernelArgument]
        }
        arguments +=
            [
                Int32(height), Int32(third), Int32(size.rows), Int32(size.columns),
                Int32(columns.image.termTiles * arithmetic.parts / 2),
            ] as [any KernelArgument]
        try launcher.inSlices(
            of: product, count: size.groups, most: launcher.mostWorkGroups, operations: size.operations
        ) { slice, operations in
            try launcher.launch(
                product, arguments + [Int32(slice.lowerBound)],
                global: [
                    columns.image.rowTiles / Self.block * Self.threads, rows.image.rowTiles / Self.block,
                    slice.count,
                ], local: [Self.threads, 1, 1], operations: operations)
        }
    }
}

extension Linear {
    /// The largest magnitude in each row of the weights.
    var rowLimits: [Float] {
        (0..<outputs).map { row in
            weight[row * inputs..<(row + 1) * inputs].reduce(0) { largest, weight in
                let size = Float(weight.magnitude)
                return size.isFinite ? max(largest, size) : largest
            }
        }
    }
}
