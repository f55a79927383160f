import NonLocalKernels
import SwiftOpenCL

/// Launches `tile_pack.cl`: tensors brought into 16 bits.
struct TilePackKernels: Sendable {
    /// Positions of a work-group that looks for the largest magnitude (`SPAN`), work-groups that share the channels,
    /// and channels that a work-item packs (`PACKED`).
    private static let span = 64, parts = 16, packed = 8

    static let noRoom = NonLocalError(.configuration, "the plan has no room for operands in 16 bits")

    private let limit: Kernel
    private let pack: Kernel

    /// None for float32, which is read as it is.
    init?(_ library: KernelLibrary, _ precision: Precision) throws {
        guard precision != .float32 else { return nil }
        func kernel(_ name: String) throws -> Kernel {
            try library.kernel(name, of: KernelSource.tiledPack, defining: precision.storageMacros)
        }
        limit = try kernel("tile_limit")
        pack = try kernel("tile_pack")
    }

    /// Packs a tensor, each group scaled by itself.
    ///
    /// - Parameters:
    ///   - target: room for ``GroupTile/packed(_:)`` elements.
    ///   - limits: for what each group is scaled, from `firstLimit` on; zeros before.
    ///   - misfits: set where float16 holds numbers worse than bfloat16 would.
    /// - Returns: `[groups][channels][positions]` in 16 bits.
    func launch(
        _ launcher: Launcher, _ x: View, channels: Int, positions: Int, groups: Int,
        to target: Buffer<Float>, limits: Buffer<Float>, firstLimit: Int = 0, misfits: Buffer<Float>?
    ) throws -> View {
        let span = (positions + Self.span - 1) / Self.span * Self.span
        try launcher.launch(
            limit,
            [x.buffer, x.argument, limits, Int32(firstLimit), Int32(channels), Int32(positions)],
            global: [span, min(channels, Self.parts), groups], local: [Self.span, 1, 1])
        return try launch(
            launcher, x, channels: channels, positions: positions, groups: groups, to: target, limits,
            firstLimit, byPositions: false, misfits)
    }

    /// Packs a tensor, each position scaled by itself.
    ///
    /// - Parameter limits: the largest magnitude of each position.
    func launch(
        _ launcher: Launcher, _ x: View, channels: Int, positions: Int, to target: Buffer<Float>,
        limitsOfPositions limits: Buffer<Float>, misfits: Buffer<Float>?
    ) throws -> View {
        try launch(
            launcher, x, channels: channels, positions: positions, groups: 1, to: target, limits, 0,
            byPositions: true, misfits)
    }

    private func launch(
        _ launcher: Launcher, _ x: View, channels: Int, positions: Int, groups: Int,
        to target: Buffer<Float>, _ limits: Buffer<Float>, _ firstLimit: Int, byPositions: Bool,
        _ misfits: Buffer<Float>?
    ) throws -> View {
        try launcher.launch(
            pack,
            [
                x.buffer, x.argument, limits, Int32(firstLimit), Int32(byPositions ? 1 : 0), target,
                Int32(channels), Int32(positions), misfits ?? limits, Int32(misfits == nil ? 0 : 1),
            ], positions: positions, rows: (channels + Self.packed - 1) / Self.packed, items: groups)
        return View(target, channels: channels, positions: positions)
    }

    /// Room for attention's operands, as
    /// ``GroupTile/packedElements(_:width:valueChannels:rows:keys:groups:)`` says.
    struct Room: Sendable {
        let theta: Buffer<Float>
        let phi: Buffer<Float>
        let g: Buffer<Float>
        /// For what the groups of each, and of the weights, are scaled.
        let limits: Buffer<Float>
        /// Set where float16 holds numbers worse than bfloat16 would.
        let misfits: Buffer<Float>?
    }

    /// Packs θ, φ and g.
    func launch(
        _ launcher: Launcher, _ operands: AttentionOperands, _ room: Room
    ) throws -> StoredOperands {
        var stored = StoredOperands(operands: operands, limits: room.limits)
        try launcher.queue.fill(room.limits, with: 0)
        let weights = stored.firstLimit(of: .weights)
        // A weight is 1 at most.
        try launcher.queue.fill(room.limits, with: 1, range: weights..<weights + operands.groups)
        func packed(
            _ x: View, _ channels: Int, _ positions: Int, _ tensor: StoredOperands.Tensor,
            _ target: Buffer<Float>
        ) throws -> View {
            try launch(
                launcher, x, channels: channels, positions: positions, groups: operands.groups, to: target,
                limits: room.limits, firstLimit: stored.firstLimit(of: tensor), misfits: room.misfits)
        }
        let (width, values) = (operands.width, operands.valueChannels)
        let theta = try packed(operands.theta, width, operands.rows, .theta, room.theta)
        let phi = try packed(operands.phi, width, operands.keys, .phi, room.phi)
        let g = try packed(operands.g, values, operands.keys, .g, room.g)
        (stored.operands.theta, stored.operands.phi, stored.operands.g) = (theta, phi, g)
        return stored
    }
}

extension TilePackKernels.Room {
    /// The room that a workspace has; none where operands are read as they are.
    init?(_ workspace: Workspace) {
        guard let theta = workspace[.packedTheta], let phi = workspace[.packedPhi],
            let g = workspace[.packedG], let limits = workspace[.limits]
        else { return nil }
        self.init(theta: theta, phi: phi, g: g, limits: limits, misfits: workspace[.misfits])
    }

    /// The room that a workspace of a method with operands in 16 bits has.
    init(required workspace: Workspace) throws {
        self.init(
            theta: try workspace.required(.packedTheta), phi: try workspace.required(.packedPhi),
            g: try workspace.required(.packedG), limits: try workspace.required(.limits),
            misfits: workspace[.misfits])
    }
}

/// Attention's operands with θ, φ and g in 16 bits.
struct StoredOperands: Sendable {
    var operands: AttentionOperands
    /// What they are scaled for, `[θ, φ, g, weights][groups]`.
    let limits: Buffer<Float>

    /// What is kept in 16 bits, in the order of the limits.
    enum Tensor: Int { case theta, phi, g, weights }

    func firstLimit(of tensor: Tensor) -> Int { tensor.rawValue * operands.groups }

    /// What a product of two of them is scaled for, from a block's first group on.
    func limits(rows: Tensor, columns: Tensor, _ block: RowBlock) -> TileProductKernels.Limits {
        func limit(_ tensor: Tensor) -> TileProductKernels.Limits.Operand {
            .init(buffer: limits, first: firstLimit(of: tensor) + block.firstGroup, groupStride: 1)
        }
        return .init(rows: limit(rows), columns: limit(columns))
    }
}
