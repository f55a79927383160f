import NonLocalKernels
import SwiftOpenCL

/// Launches `tile_product.cl`: blocked products of matrices.
struct TileProductKernels: Sendable {
    private let product: Kernel
    private let merge: Kernel
    private let tile: GroupTile

    /// - Parameter isDistance: sums −(a − x)² in place of a · x.
    init(_ library: KernelLibrary, _ tile: GroupTile, isDistance: Bool = false) throws {
        var macros = tile.productMacros
        if isDistance { macros["ADD_TERM(sum, a, x)"] = "sum -= ((a) - (x)) * ((a) - (x))" }
        product = try library.kernel("tile_product", of: KernelSource.tiledProduct, defining: macros)
        merge = try library.kernel("tile_product_merge", of: KernelSource.tiledProduct, defining: macros)
        self.tile = tile
    }

    /// A number for each row, `[groups][rows]`, or `[rows]` where all groups have the same.
    struct Bias {
        let buffer: Buffer<Float>
        /// Elements from one group's to the next one's.
        var groupStride = 0
        /// Where the first group's lie.
        var offset = 0
    }

    /// y = factor · Σ_k rows[k, r] columns[k, n] (+ bias) (+ residual)
    ///
    /// - Parameters:
    ///   - rows: a channel for each term, a position for each row.
    ///   - columns: a channel for each term, a position for each column.
    ///   - y: a channel for each row, a position for each column; up to three, one below the other.
    ///   - heights: the rows of each of `y`.
    func launch(
        _ launcher: Launcher, _ rows: View, _ columns: View, to y: [View], heights: [Int], bias: Bias? = nil,
        residual: View? = nil, factor: Float = 1, _ size: ProductSize
    ) throws {
        guard let first = y.first, let last = y.last, let height = heights.first else { return }
        let views = [first, y.count > 2 ? y[1] : last, last]
        let third = y.count > 2 ? height + heights[1] : size.rows
        try launch(
            launcher, rows, columns, to: views, limits: (height, third), bias, residual, factor, shares: 1,
            size)
    }

    /// y = factor · Σ_k rows[k, r] columns[k, n], with the terms shared among work-groups where that keeps more
    /// cores busy.
    ///
    /// - Parameters:
    ///   - shared: room for what ``GroupTile/productShares(_:)`` says, if it says any.
    ///   - isSymmetric: whether rows and columns are the same, so that half of the sums do.
    func launch(
        _ launcher: Launcher, _ rows: View, _ columns: View, to y: View, factor: Float, _ size: ProductSize,
        shared: Buffer<Float>?, isSymmetric: Bool = false
    ) throws {
        let shares = tile.productShares(size)
        guard let shared, shares.count > 1, shares.shared <= shared.count else {
            return try launch(
                launcher, rows, columns, to: [y, y, y], limits: (size.rows, size.rows), nil, nil, factor,
                shares: 1, isSymmetric: isSymmetric, size)
        }
        let part = View(shared, channels: size.rows, positions: size.columns)
        try launch(
            launcher, rows, columns, to: [part, part, part], limits: (size.rows, size.rows), nil, nil, 1,
            shares: shares.count, isSymmetric: isSymmetric, size)
        try launcher.launch(
            merge,
            [
                shared, y.buffer, y.argument, Int32(size.rows), Int32(size.columns), Int32(shares.count),
                factor,
            ],
            positions: size.columns, rows: size.rows, items: size.groups)
    }

    private func launch(
        _ launcher: Launcher, _ rows: View, _ columns: View, to y: [View], limits: (Int, Int), _ bias: Bias?,
        _ residual: View?, _ factor: Float, shares: Int, isSymmetric: Bool = false, _ size: ProductSize
    ) throws {
        let tiles = (size.columns + tile.tile - 1) / tile.tile
        let has = (bias == nil ? 0 : 1) + (residual == nil ? 0 : 2) + (isSymmetric ? 4 : 0)
        try launcher.inSlices(
            of: product, count: tiles, operations: size.operations / (isSymmetric ? 2 : 1)
        ) { range, operations in
            let first = range.lowerBound * tile.tile
            // What lies above the diagonal is written with what lies below it.
            let above = isSymmetric ? first : 0
            var slice = size
            slice.columns = min(range.count * tile.tile, size.columns - first)
            slice.rows -= above
            try launch(
                launcher, rows.advanced(byPositions: above), columns.advanced(byPositions: first),
                to: y.map { $0.advanced(byPositions: first).advanced(byChannels: above) }, limits: limits,
                bias, residual?.advanced(byPositions: first), factor, shares: shares, has: has, slice,
                operations: operations)
        }
    }

    private func launch(
        _ launcher: Launcher, _ rows: View, _ columns: View, to y: [View], limits: (Int, Int), _ bias: Bias?,
        _ residual: View?, _ factor: Float, shares: Int, has: Int, _ size: ProductSize, operations: Double
    ) throws {
        // What is not there is not read, whatever stands in its place.
        let added = residual ?? columns
        var arguments: [any KernelArgument] = [
            rows.buffer, rows.argument, columns.buffer, columns.argument, bias?.buffer ?? columns.buffer,
            SIMD2(Int64(bias?.offset ?? 0), Int64(bias?.groupStride ?? 0)), added.buffer, added.argument,
        ]
        for view in y { arguments += [view.buffer, view.argument] as [any KernelArgument] }
        arguments +=
            [
                Int32(limits.0), Int32(limits.1), Int32(size.rows), Int32(size.terms), Int32(size.columns),
                Int32(shares), Int32(has), factor,
            ] as [any KernelArgument]
        func workItems(_ count: Int) -> Int { (count + tile.tile - 1) / tile.tile * tile.side }
        try launcher.launch(
            product, arguments,
            global: [workItems(size.columns), workItems(size.rows), size.groups * shares],
            local: [tile.side, tile.side, 1], operations: operations)
    }
}

/// Affine maps of the same channels in device memory, one below the other, `[input][output]`.
struct StackedLinear: Sendable {
    let weight: Buffer<Float>
    let bias: Buffer<Float>
    let inputs: Int
    /// Outputs of each map; three at most.
    let outputs: [Int]

    var rows: Int { outputs.reduce(0, +) }

    init(_ maps: [Linear], in context: Context) throws {
        let inputs = maps.first?.inputs ?? 0
        self.inputs = inputs
        outputs = maps.map(\.outputs)
        let columns = (0..<inputs).flatMap { input in
            maps.flatMap { map in (0..<map.outputs).map { Float(map.weight[$0 * inputs + input]) } }
        }
        weight = try Buffer(context, copying: columns, access: .readOnly)
        bias = try Buffer(context, copying: maps.flatMap(\.bias).map(Float.init), access: .readOnly)
    }

    /// The weights as a product's rows, the same for each group.
    var view: View {
        var view = View(weight, channels: inputs, positions: rows)
        view.itemStride = 0
        return view
    }
}

extension TileProductKernels {
    /// Applies maps to x, each to a view of its own.
    func launch(
        _ launcher: Launcher, _ maps: StackedLinear, from x: View, residual: View? = nil, to y: [View],
        positions: Int, items: Int
    ) throws {
        try launch(
            launcher, maps.view, x, to: y, heights: maps.outputs, bias: Bias(buffer: maps.bias),
            residual: residual,
            ProductSize(rows: maps.rows, terms: maps.inputs, columns: positions, groups: items))
    }
}
