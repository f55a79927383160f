import NonLocalKernels
import SwiftOpenCL

/// K of the dot-product form from the Gram matrix of x, by `tile_centre.cl` and blocked products. Around the mean μ of
/// x, with s = Σ (x − μ), u = W_g μ + b_g and v = W_φ μ + b_φ,
///
///     Σ_n g φᵀ = W_g G W_φᵀ + (W_g Σx + M b_g) vᵀ + u (W_φ s)ᵀ        G = Σ_n (x − μ) (x − μ)ᵀ
///
/// so that nothing cancels, however far the mean is from zero.
struct TileGramKernels: Sendable {
    private let centre: TileCentreKernel
    private let product: TileProductKernels
    /// W_g and W_φ, each with its bias as one more input.
    private let values: StackedLinear
    private let keys: StackedLinear

    init(
        _ library: KernelLibrary, _ product: TileProductKernels, g: Linear, phi: Linear
    ) throws {
        centre = try TileCentreKernel(library)
        self.product = product
        values = try StackedLinear([g.onesAppended], in: library.context)
        keys = try StackedLinear([phi.onesAppended], in: library.context)
    }

    /// K = factor · Σ_n g φᵀ, `[groups][d_v][d]`
    ///
    /// - Parameter x: at the positions of the keys, in groups.
    func launch(
        _ launcher: Launcher, _ x: View, channels: Int, positions: Int, groups: Int, factor: Float,
        _ workspace: Workspace
    ) throws {
        let (rows, columns) = (values.rows, keys.rows)
        func matrix(_ role: BufferRole, _ channels: Int, _ positions: Int) throws -> View {
            View(try workspace.required(role), channels: channels, positions: positions)
        }
        func size(_ rows: Int, _ terms: Int, _ columns: Int) -> ProductSize {
            ProductSize(rows: rows, terms: terms, columns: columns, groups: groups)
        }
        let centred = try matrix(.centred, channels, positions)
        let moments = try matrix(.centre, channels + 1, TileCentreKernel.moments)
        try centre.launch(
            launcher, x, to: centred.buffer, moments: moments.buffer, channels: channels,
            positions: positions, groups: groups)
        let gram = try matrix(.gram, channels, channels)
        try product.launch(
            launcher, centred.transposed, centred.transposed, to: gram, factor: 1,
            size(channels, positions, channels), shared: workspace[.shares], isSymmetric: true)
        let half = try matrix(.valueGram, rows, channels)
        try product.launch(
            launcher, values.view, gram, to: [half], heights: [rows], size(rows, channels, channels))
        // [W_g Σx + M b_g, u] and [v, W_φ s]
        let valueMeans = try matrix(.valueMeans, rows, 2), keyMeans = try matrix(.keyMeans, columns, 2)
        try product.launch(
            launcher, values.view, moments, to: [valueMeans], heights: [rows], size(rows, channels + 1, 2))
        try product.launch(
            launcher, keys.view, moments.advanced(byPositions: 1), to: [keyMeans], heights: [columns],
            size(columns, channels + 1, 2))
        let means = try matrix(.meanProduct, rows, columns)
        try product.launch(
            launcher, valueMeans.transposed, keyMeans.transposed, to: [means], heights: [rows],
            factor: factor, size(rows, 2, columns))
        try product.launch(
            launcher, half.transposed, keys.view, to: [matrix(.keyProduct, rows, columns)], heights: [rows],
            residual: means, factor: factor, size(rows, channels, columns))
    }
}

/// Launches `tile_centre.cl`: x without its mean.
struct TileCentreKernel: Sendable {
    /// Work-items of a channel (`CENTRES`).
    private static let centres = 64
    /// Moments of a channel: Σx, μ and Σ (x − μ).
    static let moments = 3

    private let kernel: Kernel

    init(_ library: KernelLibrary) throws {
        kernel = try library.kernel("tile_centre", of: KernelSource.tiledCentre, defining: [:])
    }

    /// - Parameters:
    ///   - centred: room for x − μ, `[groups][channels][positions]`.
    ///   - moments: room for those of each channel and of a row of ones, `[groups][channels + 1][3]`.
    func launch(
        _ launcher: Launcher, _ x: View, to centred: Buffer<Float>, moments: Buffer<Float>, channels: Int,
        positions: Int, groups: Int
    ) throws {
        try launcher.launch(
            kernel, [x.buffer, x.argument, centred, moments, Int32(positions)],
            global: [Self.centres, channels + 1, groups], local: [Self.centres, 1, 1])
    }
}
