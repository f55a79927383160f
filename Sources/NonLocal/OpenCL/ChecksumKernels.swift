import NonLocalKernels
import SwiftOpenCL

/// Launches `checksum.cl` and, for tensors packed for the panel kernels, `panel_checksum.cl`: sums over all of a tensor.
struct ChecksumKernels: Sendable {
    /// Positions of a work-item at most, on CPU devices (`RUN`).
    private static let mostOfRun = 1024

    /// By the number of rows of weights, from one on.
    private let channels: [Kernel]
    private let positions: Kernel
    private let packed: Packed?

    private struct Packed: Sendable {
        let rows: Kernel
        let keys: Kernel
        let tile: PanelTile
    }

    /// - Parameter tile: of the panel kernels, if they serve.
    init(_ library: KernelLibrary, _ tile: PanelTile? = nil) throws {
        func kernel(_ name: String) throws -> Kernel {
            try library.kernel(
                name, of: tile == nil ? KernelSource.checksums : KernelSource.panelChecksums,
                defining: tile?.macros ?? [:])
        }
        channels = try (1...4).map { try kernel("checksum_\($0)") }
        positions = try kernel("checksum_positions")
        packed = try tile.map {
            Packed(
                rows: try kernel("panel_checksum_rows"), keys: try kernel("panel_checksum_keys"), tile: $0)
        }
    }

    /// Rows of weights, each a number for each channel.
    struct Weights: Sendable {
        /// `[rows][channels]` of each group, or of all.
        var view: View
        var rows: Int
        /// `[channels]`; none where no squares are summed.
        var squares: Buffer<Float>?
    }

    /// Positions of a tensor: of each of its groups, and groups.
    struct Size: Sendable {
        var channels: Int
        var positions: Int
        var groups: Int
    }

    /// `sums[k][n] = Σ_c weights[k][c] x[c][n]`, and below them `Σ_c squares[c] x[c][n]²`.
    ///
    /// - Parameter firstGroup: the group of weights and sums that belongs to the first one of x.
    func launch(
        _ launcher: Launcher, of x: View, _ weights: Weights, _ size: Size, firstGroup: Int = 0,
        to sums: View
    ) throws {
        let run = run(size)
        try launch(
            launcher, channels[weights.rows - 1],
            [
                x.buffer, x.argument, weights.view.buffer, weights.view.argument,
                weights.squares ?? weights.view.buffer, Int32(weights.squares == nil ? 0 : 1),
                Int32(size.channels), Int32(size.positions), Int32(firstGroup), Int32(run), sums.buffer,
                sums.argument,
            ], size.positions, of: run, groups: size.groups)
    }

    /// Positions of a work-item: whole rows, as long as there is work for all.
    private func run(_ size: Size) -> Int {
        guard let tile = packed?.tile else { return 1 }
        let most = (size.positions + Self.mostOfRun - 1) / Self.mostOfRun
        let runs = max(most, (tile.workers + size.groups - 1) / size.groups)
        let vectors = (size.positions + runs * tile.lanes - 1) / (runs * tile.lanes)
        return vectors * tile.lanes
    }

    /// v, Σ_n x, ones and Σ_n x² of each channel, `[groups][4][channels]`.
    func launch(
        _ launcher: Launcher, overPositionsOf x: View, weights: Buffer<Float>, _ size: Size,
        to sums: Buffer<Float>
    ) throws {
        try launch(
            launcher, positions,
            [x.buffer, x.argument, weights, Int32(size.channels), Int32(size.positions), sums],
            size.channels, of: 1, groups: size.groups)
    }

    /// Sums of g packed by keys: Σ_c v_c g and Σ_c g² at each key.
    func launch(
        _ launcher: Launcher, ofKeys g: View, weights: Buffer<Float>, _ size: Size, to sums: View
    ) throws {
        guard let packed else { throw Self.noPanels }
        try launcher.launch(
            packed.keys,
            [
                g.buffer, g.argument, weights, Int32(size.channels), Int32(size.positions), sums.buffer,
                sums.argument,
            ], global: [packed.tile.keyBlocks(size.positions), 1, size.groups], local: [1, 1, 1])
    }

    /// Sums of φ packed by rows, of each part of its channels in two rows, and those over its positions.
    func launch(
        _ launcher: Launcher, ofRows phi: View, weights: Buffer<Float>, _ size: Size, to sums: View,
        overPositions: Buffer<Float>
    ) throws {
        guard let packed else { throw Self.noPanels }
        try launcher.launch(
            packed.rows,
            [
                phi.buffer, phi.argument, weights, Int32(size.channels), Int32(size.positions), sums.buffer,
                sums.argument, overPositions,
            ], global: [packed.tile.depthParts(size.channels), 1, size.groups], local: [1, 1, 1])
    }

    private func launch(
        _ launcher: Launcher, _ kernel: Kernel, _ arguments: [any KernelArgument], _ count: Int, of run: Int,
        groups: Int
    ) throws {
        if packed == nil {
            try launcher.launch(kernel, arguments, positions: count, items: groups)
        } else {
            try launcher.launch(
                kernel, arguments, global: [(count + run - 1) / run, 1, groups], local: [1, 1, 1])
        }
    }

    private static let noPanels = NonLocalError(
        .configuration, "packed tensors are the panel kernels' alone")
}

extension PanelTile {
    /// Parts that channels packed by rows are in.
    func depthParts(_ channels: Int) -> Int { (channels + depth - 1) / depth }
}
