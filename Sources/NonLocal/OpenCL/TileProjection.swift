import SwiftOpenCL

/// Projections by `tile_product.cl`: of x and weights as they are, or of both in 16 bits.
struct TileProjection: Sendable {
    private let session: OpenCLSession
    private let product: TileProductKernels
    /// None where x and the weights are read as they are.
    private let pack: TilePackKernels?

    init(_ session: OpenCLSession, _ tile: GroupTile, _ precision: Precision = .float32) throws {
        self.session = session
        product = try TileProductKernels(session.library, tile, precision)
        pack = try TilePackKernels(session.library, precision)
    }

    /// Room for x in 16 bits.
    struct Room: Sendable {
        /// ``GroupTile/packed(_:)`` elements.
        let image: Buffer<Float>
        /// What each item is scaled for.
        let limits: Buffer<Float>
        /// Set where float16 holds numbers worse than bfloat16 would.
        let misfits: Buffer<Float>?
    }

    /// Brings maps to the device.
    func load(_ maps: [Linear]) throws -> StackedLinear {
        let stacked = try StackedLinear(maps, in: session.context)
        return try pack.map { try stacked.stored(by: $0, limits: maps.flatMap(\.rowLimits), in: session) }
            ?? stacked
    }

    /// Applies maps to x, each to a view of its own.
    ///
    /// - Parameter room: for x in 16 bits, where it is kept so.
    func launch(
        _ launcher: Launcher, _ maps: StackedLinear, from x: View, residual: View? = nil, to y: [View],
        positions: Int, items: Int, _ room: Room?
    ) throws {
        guard let pack else {
            return try product.launch(
                launcher, maps, from: x, residual: residual, to: y, positions: positions, items: items)
        }
        guard let room, let rowLimits = maps.limits else { throw TilePackKernels.noRoom }
        try launcher.queue.fill(room.limits, with: 0)
        let stored = try pack.launch(
            launcher, x, channels: maps.inputs, positions: positions, groups: items, to: room.image,
            limits: room.limits, misfits: room.misfits)
        try product.launch(
            launcher, maps, from: stored,
            TileProductKernels.Limits(
                rows: .init(buffer: rowLimits, rowStride: 1),
                columns: .init(buffer: room.limits, groupStride: 1)),
            residual: residual, to: y, positions: positions, items: items)
    }
}

extension TileProjection.Room {
    /// The room that a workspace has; none where x is read as it is.
    init?(_ workspace: Workspace) {
        guard let image = workspace[.scratch], let limits = workspace[.limits] else { return nil }
        self.init(image: image, limits: limits, misfits: workspace[.misfits])
    }
}

/// Affine maps of the same channels in device memory, one below the other.
struct StackedLinear: Sendable {
    /// The weights as a product's rows, the same for each group.
    private(set) var view: View
    let bias: Buffer<Float>
    let inputs: Int
    /// Outputs of each map; three at most.
    let outputs: [Int]
    /// What each row of weights in 16 bits is scaled for.
    private(set) var limits: Buffer<Float>?
    /// Whether float16 holds the weights as well as bfloat16 would.
    private(set) var fits = true

    var rows: Int { outputs.reduce(0, +) }

    init(_ maps: [Linear], in context: Context) throws {
        let inputs = maps.first?.inputs ?? 0
        self.inputs = inputs
        outputs = maps.map(\.outputs)
        let columns = (0..<inputs).flatMap { input in
            maps.flatMap { map in (0..<map.outputs).map { Float(map.weight[$0 * inputs + input]) } }
        }
        view = View(
            try Buffer(context, copying: columns, access: .readOnly), channels: inputs,
            positions: outputs.reduce(0, +))
        view.itemStride = 0
        bias = try Buffer(context, copying: maps.flatMap(\.bias).map(Float.init), access: .readOnly)
    }

    /// The same in 16 bits, each row scaled by itself.
    ///
    /// - Parameter limits: the largest magnitude in each row.
    fileprivate func stored(
        by pack: TilePackKernels, limits: [Float], in session: OpenCLSession
    ) throws -> StackedLinear {
        var stored = self
        let limits = try Buffer(session.context, copying: limits, access: .readOnly)
        let misfits = try Buffer<Float>(session.context, copying: [0])
        let launcher = session.launcher()
        stored.view = try pack.launch(
            launcher, view, channels: inputs, positions: rows,
            to: session.allocate(GroupTile.packed(rows * inputs)), limitsOfPositions: limits,
            misfits: misfits)
        try launcher.finish()
        stored.view.itemStride = 0
        stored.limits = limits
        stored.fits = try session.queue.read(misfits) == [0]
        return stored
    }
}

extension TileProductKernels {
    /// Applies maps to x, each to a view of its own.
    ///
    /// - Parameter limits: what weights and x in 16 bits are scaled for.
    func launch(
        _ launcher: Launcher, _ maps: StackedLinear, from x: View, _ limits: Limits? = nil,
        residual: View? = nil, to y: [View], positions: Int, items: Int
    ) throws {
        try launch(
            launcher, maps.view, x, limits, to: y, heights: maps.outputs, bias: Bias(buffer: maps.bias),
            residual: residual,
            ProductSize(rows: maps.rows, terms: maps.inputs, columns: positions, groups: items))
    }
}
