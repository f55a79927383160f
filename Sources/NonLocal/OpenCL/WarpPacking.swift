import NonLocalKernels
import SwiftOpenCL

/// An image of 16 × 16 fragments, as the warp kernels read matrices (`warp_tile.cl`).
struct WarpImage: Sendable {
    /// Which fragments lie together.
    enum Order: Sendable {
        /// Those of so many row tiles.
        case byRows(Int)
        /// Those of so many term tiles.
        case byTerms(Int)
    }

    let buffer: Buffer<Float>
    let rowTiles: Int
    let termTiles: Int
    let order: Order
    /// Which factor of a product it is.
    let side: Side

    enum Side: Sendable {
        case left
        case right
    }
}

/// Launches `warp_pack.cl`: tensors brought into images.
struct WarpPackKernels: Sendable {
    /// Positions of a work-group that looks for the largest magnitude (`SPAN`), and work-groups that share the
    /// channels.
    private static let span = 64, parts = 16

    private let limit: Kernel
    private let pack: Kernel

    init(_ kernel: (String) throws -> Kernel) throws {
        limit = try kernel("warp_limit")
        pack = try kernel("warp_pack")
    }

    /// Takes the largest magnitude of each group into `limits[first + group]`, which has to hold numbers.
    func launch(
        _ launcher: Launcher, limitOf x: View, channels: Int, positions: Int, groups: Int,
        to limits: Buffer<Float>, first: Int = 0
    ) throws {
        let span = Self.span
        try launcher.launch(
            limit, [x.buffer, x.argument, limits, Int32(first), Int32(channels), Int32(positions)],
            global: [(positions + span - 1) / span * span, min(channels, Self.parts), groups],
            local: [span, 1, 1])
    }

    /// Packs `sign · x`, scaled for `limits[first + group]`.
    ///
    /// - Parameters:
    ///   - scalesRows: whether `limits[row]` is what each row is scaled for.
    ///   - x: channels are terms and positions rows, unless the image is by terms, where it is the other way round.
    ///   - misfits: set where float16 holds numbers worse than bfloat16 would.
    func launch(
        _ launcher: Launcher, _ x: View, channels: Int, positions: Int, groups: Int,
        limits: Buffer<Float>, first: Int = 0, scalesRows: Bool = false, sign: Float = 1, to image: WarpImage,
        misfits: Buffer<Float>? = nil
    ) throws {
        var view = x
        var (rows, terms) = (positions, channels)
        let block: Int
        switch image.order {
        case .byRows(let tiles): block = tiles
        case .byTerms(let tiles):
            block = tiles
            (view.channelStride, view.positionStride) = (x.positionStride, x.channelStride)
            (rows, terms) = (channels, positions)
        }
        let byTerms: Bool = if case .byTerms = image.order { true } else { false }
        try launcher.launch(
            pack,
            [
                view.buffer, view.argument, image.buffer, limits, Int32(first), Int32(scalesRows ? 1 : 0),
                Int32(rows), Int32(terms), Int32(image.termTiles), Int32(block), Int32(byTerms ? 1 : 0),
                Int32(image.side == .right ? 1 : 0), sign,
                misfits ?? limits, Int32(misfits == nil ? 0 : 1),
            ], global: [image.rowTiles * 32, image.termTiles, groups], local: [32, 1, 1])
    }
}
