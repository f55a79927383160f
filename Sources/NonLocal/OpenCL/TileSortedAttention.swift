import NonLocalKernels
import SwiftOpenCL

/// The concatenation form without its pairs on devices with work-groups: b sorted, running sums over the keys in
/// that order, and a bisection for each query.
struct TileSortedAttention: Sendable {
    private let sort: TileSortKernels
    private let prefix: TilePrefixKernels
    private let aggregate: TileSortedAggregateKernel

    init(_ library: KernelLibrary, _ tile: GroupTile) throws {
        sort = try TileSortKernels(library, tile)
        prefix = try TilePrefixKernels(library, tile)
        aggregate = try TileSortedAggregateKernel(library, tile)
    }

    /// Room for what is between b and y, as ``GroupTile/sortedElements(valueChannels:keys:groups:)`` says.
    struct Room: Sendable {
        let sorted: Buffer<Float>
        /// As much as `sorted`.
        let scratch: Buffer<Float>
        let parts: Buffer<Float>
        let sums: Buffer<Float>
    }

    func run(_ launcher: Launcher, _ operands: AttentionOperands, _ room: Room) throws {
        let (values, keys, groups) = (operands.valueChannels, operands.keys, operands.groups)
        try sort.launch(
            launcher, phi: operands.phi, to: room.sorted, scratch: room.scratch, keys: keys, groups: groups)
        try prefix.launch(
            launcher, sorted: room.sorted, g: operands.g, parts: room.parts, to: room.sums,
            valueChannels: values, keys: keys, groups: groups)
        try aggregate.launch(
            launcher, sorted: room.sorted, sums: room.sums, theta: operands.theta, to: operands.y,
            valueChannels: values, keys: keys, rows: operands.rows, groups: groups)
    }
}

/// Launches `tile_sort.cl`: b of each group from the greatest down.
struct TileSortKernels: Sendable {
    private let sort: Kernel
    private let merge: Kernel
    private let sorters: Int

    init(_ library: KernelLibrary, _ tile: GroupTile) throws {
        sort = try library.kernel(tileSorted: "tile_sort", tile)
        merge = try library.kernel(tileSorted: "tile_sort_merge", tile)
        sorters = tile.workItems
    }

    func launch(
        _ launcher: Launcher, phi: View, to sorted: Buffer<Float>, scratch: Buffer<Float>, keys: Int,
        groups: Int
    ) throws {
        let merges = GroupTile.merges(keys: keys)
        var (from, to) = merges % 2 == 0 ? (sorted, scratch) : (scratch, sorted)
        try launcher.launch(
            sort, [phi.buffer, phi.argument, from, Int32(keys)],
            global: [(keys + GroupTile.sortRun - 1) / GroupTile.sortRun * sorters, 1, groups],
            local: [sorters, 1, 1])
        for pass in 0..<merges {
            try launcher.launch(
                merge, [from, to, Int32(keys), Int32(GroupTile.sortRun << pass)], positions: keys,
                items: groups)
            (from, to) = (to, from)
        }
    }
}

/// Launches `tile_prefix.cl`: running sums over the keys in the order of b.
struct TilePrefixKernels: Sendable {
    private let parts: Kernel
    private let prefix: Kernel

    init(_ library: KernelLibrary, _ tile: GroupTile) throws {
        parts = try library.kernel(tileSorted: "tile_prefix_parts", tile)
        prefix = try library.kernel(tileSorted: "tile_prefix", tile)
    }

    func launch(
        _ launcher: Launcher, sorted: Buffer<Float>, g: View, parts sums: Buffer<Float>,
        to running: Buffer<Float>, valueChannels: Int, keys: Int, groups: Int
    ) throws {
        let cut = GroupTile.PrefixParts(keys: keys)
        let sizes = [Int32(valueChannels), Int32(keys), Int32(cut.length)] as [any KernelArgument]
        let operations = 3 * Double(valueChannels) * Double(keys) * Double(groups)
        let global = [roundedToChannels(valueChannels), cut.count, groups]
        try launcher.launch(
            parts, [sorted, g.buffer, g.argument, sums] + sizes, global: global,
            local: [sortedChannels, 1, 1], operations: operations)
        try launcher.launch(
            prefix, [sorted, g.buffer, g.argument, sums, running] + sizes, global: global,
            local: [sortedChannels, 1, 1], operations: operations)
    }
}

/// Launches `tile_sorted_aggregate.cl`.
struct TileSortedAggregateKernel: Sendable {
    private let kernel: Kernel

    init(_ library: KernelLibrary, _ tile: GroupTile) throws {
        kernel = try library.kernel(tileSorted: "tile_sorted_aggregate", tile)
    }

    func launch(
        _ launcher: Launcher, sorted: Buffer<Float>, sums: Buffer<Float>, theta: View, to y: View,
        valueChannels: Int, keys: Int, rows: Int, groups: Int
    ) throws {
        try launcher.launch(
            kernel,
            [
                sorted, sums, theta.buffer, theta.argument, y.buffer, y.argument, Int32(valueChannels),
                Int32(keys), Int32(rows),
            ],
            global: [
                roundedToChannels(rows), (valueChannels + sortedChannels - 1) / sortedChannels, groups,
            ],
            local: [sortedChannels, 1, 1],
            operations: 3 * Double(valueChannels) * Double(rows) * Double(groups))
    }
}

/// Channels, and queries, of a work-group (`CHANNELS`).
private let sortedChannels = 64

private func roundedToChannels(_ count: Int) -> Int {
    (count + sortedChannels - 1) / sortedChannels * sortedChannels
}

extension KernelLibrary {
    fileprivate func kernel(tileSorted name: String, _ tile: GroupTile) throws -> Kernel {
        try kernel(name, of: KernelSource.tiledSorted, defining: tile.sortMacros)
    }
}
