import NonLocalKernels
import SwiftOpenCL

/// Launches `panel_gram.cl` and `panel_gram_merge.cl`: products over the positions of each group.
struct PanelGramKernels: Sendable {
    private let centre: Kernel
    private let gram: Kernel
    private let merge: Kernel
    private let uncentre: Kernel
    private let tile: PanelTile

    init(_ library: KernelLibrary, _ tile: PanelTile) throws {
        func kernel(_ name: String) throws -> Kernel {
            try library.kernel(name, of: KernelSource.panel, defining: tile.macros)
        }
        centre = try kernel("panel_gram_centre")
        gram = try kernel("panel_gram")
        merge = try kernel("panel_gram_merge")
        uncentre = try kernel("panel_gram_uncentre")
        self.tile = tile
    }

    /// Buffers as large as ``PanelTile/gramBlocks(rows:columns:positions:groups:)`` says.
    struct Room {
        let scratch: Buffer<Float>
        let shares: Buffer<Float>

        init(scratch: Buffer<Float>, shares: Buffer<Float>) {
            (self.scratch, self.shares) = (scratch, shares)
        }

        init(_ workspace: Workspace) throws(NonLocalError) {
            scratch = try workspace.required(.scratch)
            shares = try workspace.required(.shares)
        }
    }

    /// product[r, c] = factor · Σ_n a[r, n] b[c, n]
    ///
    /// - Parameter product: a channel for each of `rows`, a position for each of `columns`.
    func launch(
        _ launcher: Launcher, _ a: View, _ b: View, to product: View, rows: Int, columns: Int, positions: Int,
        groups: Int, factor: Float, _ room: Room
    ) throws {
        try launch(
            launcher, a, b, centre: nil, to: product, rows: rows, columns: columns, positions: positions,
            groups: groups, factor: factor, room)
    }

    /// Σ_n (x − μ)(x − μ)ᵀ with Σ_n (x − μ) and μ as two more columns, for a μ near the mean.
    ///
    /// - Parameters:
    ///   - centre: room for μ, `[groups][channels]`.
    ///   - moments: a channel for each of `channels`, a position for each of `channels + 2`.
    func launch(
        _ launcher: Launcher, _ x: View, centre: Buffer<Float>, to moments: View, channels: Int,
        positions: Int, groups: Int, _ room: Room
    ) throws {
        try launcher.launch(
            self.centre, [x.buffer, x.argument, centre, Int32(positions)], global: [channels, groups],
            local: [1, 1])
        try launch(
            launcher, x, x, centre: centre, to: moments, rows: channels, columns: channels,
            positions: positions, groups: groups, factor: 1, room)
    }

    private func launch(
        _ launcher: Launcher, _ a: View, _ b: View, centre: Buffer<Float>?, to product: View, rows: Int,
        columns: Int, positions: Int, groups: Int, factor: Float, _ room: Room
    ) throws {
        let blocks = tile.gramBlocks(rows: rows, columns: columns, positions: positions, groups: groups)
        let isSymmetric: Int32 = centre == nil ? 0 : 1
        // Without a centre nothing is read from what stands in its place.
        let centre = centre ?? a.buffer
        try launcher.launch(
            gram,
            [
                a.buffer, a.argument, b.buffer, b.argument, centre, room.shares, Int32(rows), Int32(columns),
                Int32(positions), Int32(groups), Int32(blocks.shares), isSymmetric, room.scratch,
            ], global: [blocks.workers], local: [1])
        try launcher.launch(
            merge,
            [
                room.shares, centre, product.buffer, product.argument, Int32(rows), Int32(columns),
                Int32(blocks.shares), isSymmetric, factor,
            ], global: [tile.tiles(rows), groups], local: [1, 1])
    }

    /// W [moments] becomes factor · Σ_n (W x + bias) [x; 1]ᵀ, in place.
    ///
    /// - Parameters:
    ///   - product: `[groups][rows][channels + 2]`, the last column being of no use afterwards.
    ///   - moments: as ``launch(_:_:centre:to:channels:positions:groups:_:)`` leaves them, without gaps.
    func launchUncentre(
        _ launcher: Launcher, _ product: Buffer<Float>, bias: Buffer<Float>, moments: Buffer<Float>,
        rows: Int, channels: Int, positions: Int, groups: Int, factor: Float
    ) throws {
        try launcher.launch(
            uncentre, [product, bias, moments, Int32(channels), Int32(positions), factor],
            global: [rows, groups], local: [1, 1])
    }
}
