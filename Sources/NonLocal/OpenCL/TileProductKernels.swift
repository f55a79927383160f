import NonLocalKernels
import SwiftOpenCL

/// Launches `tile_product.cl`: blocked products of matrices.
struct TileProductKernels: Sendable {
    private let product: Kernel
    private let merge: Kernel
    private let tile: GroupTile

    /// - Parameters:
    ///   - precision: what rows and columns are kept in.
    ///   - isDistance: sums −(a − x)² in place of a · x.
    init(
        _ library: KernelLibrary, _ tile: GroupTile, _ precision: Precision = .float32,
        isDistance: Bool = false
    ) throws {
        var macros = tile.productMacros(precision)
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

    /// What rows and columns in 16 bits are scaled for.
    struct Limits {
        /// Where the numbers of one of them lie: one of each group, of each row, or of all.
        struct Operand {
            let buffer: Buffer<Float>
            var first = 0
            var groupStride = 0
            var rowStride = 0

            fileprivate var arguments: [any KernelArgument] {
                [buffer, SIMD4(Int64(first), Int64(groupStride), Int64(rowStride), 0)]
            }
        }

        let rows: Operand
        let columns: Operand
    }

    /// y = factor · Σ_k rows[k, r] columns[k, n] (+ bias) (+ residual)
    ///
    /// - Parameters:
    ///   - rows: a channel for each term, a position for each row.
    ///   - columns: a channel for each term, a position for each column.
    ///   - limits: of rows and columns in 16 bits.
    ///   - y: a channel for each row, a position for each column; up to three, one below the other.
    ///   - heights: the rows of each of `y`.
    func launch(
        _ launcher: Launcher, _ rows: View, _ columns: View, _ limits: Limits? = nil, to y: [View],
        heights: [Int], bias: Bias? = nil, residual: View? = nil, factor: Float = 1, _ size: ProductSize
    ) throws {
        guard let first = y.first, let last = y.last, let height = heights.first else { return }
        let views = [first, y.count > 2 ? y[1] : last, last]
        let third = y.count > 2 ? height + heights[1] : size.rows
        try launch(
            launcher, rows, columns, limits, to: views, firstRows: (height, third), bias, residual, factor,
            shares: 1, size)
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
                launcher, rows, columns, to: [y, y, y], firstRows: (size.rows, size.rows), nil, nil, factor,
                shares: 1, isSymmetric: isSymmetric, size)
        }
        let part = View(shared, channels: size.rows, positions: size.columns)
        try launch(
            launcher, rows, columns, to: [part, part, part], firstRows: (size.rows, size.rows), nil, nil, 1,
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
        _ launcher: Launcher, _ rows: View, _ columns: View, _ limits: Limits? = nil, to y: [View],
        firstRows: (Int, Int), _ bias: Bias?, _ residual: View?, _ factor: Float, shares: Int,
        isSymmetric: Bool = false, _ size: ProductSize
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
                launcher, rows.advanced(byPositions: above), columns.advanced(byPositions: first), limits,
                to: y.map { $0.advanced(byPositions: first).advanced(byChannels: above) },
                firstRows: firstRows,
                bias, residual?.advanced(byPositions: first), factor, shares: shares, has: has, slice,
                operations: operations)
        }
    }

    private func launch(
        _ launcher: Launcher, _ rows: View, _ columns: View, _ limits: Limits?, to y: [View],
        firstRows: (Int, Int), _ bias: Bias?, _ residual: View?, _ factor: Float, shares: Int, has: Int,
        _ size: ProductSize, operations: Double
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
                Int32(firstRows.0), Int32(firstRows.1), Int32(size.rows), Int32(size.terms),
                Int32(size.columns),
                Int32(shares), Int32(has), factor,
            ] as [any KernelArgument]
        if let limits { arguments += limits.rows.arguments + limits.columns.arguments }
        func workItems(_ count: Int) -> Int { (count + tile.tile - 1) / tile.tile * tile.side }
        try launcher.launch(
            product, arguments,
            global: [workItems(size.columns), workItems(size.rows), size.groups * shares],
            local: [tile.side, tile.side, 1], operations: operations)
    }
}
