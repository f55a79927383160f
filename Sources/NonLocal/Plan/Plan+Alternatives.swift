import SwiftOpenCL

extension Plan {
    /// The register tile of kernels for CPU devices, and how sums and keys are cut.
    public struct Tile: Sendable, Hashable {
        /// Output rows of a tile, each number of which is broadcast.
        public let rows: Int
        /// Neighbouring positions of a tile, on vector lanes.
        public let positions: Int
        /// Floats in a vector.
        public let lanes: Int
        /// Terms that are summed in one accumulator.
        public let terms: Int
        /// Keys that fused attention takes at a time.
        public let keys: Int
        /// Work-items that run side by side.
        public let workItems: Int
    }

    /// The tile of kernels for devices with work-groups and local memory.
    public struct WorkGroupTile: Sendable, Hashable {
        /// Work-items along each side of a work-group.
        public let side: Int
        /// Rows, and columns, of a product's tile.
        public let sums: Int
        /// Terms in local memory at one time.
        public let terms: Int
        /// Queries, and keys, of a block of fused attention.
        public let block: Int
        /// Bytes of local memory.
        public let localMemory: Int
    }

    /// Another way that the plan weighed.
    public struct Alternative: Sendable, Hashable {
        /// The way it would compute the operation.
        public let strategy: Strategy
        /// The kind of kernels it would use.
        public let kernels: KernelClass
        /// Whether blocks of keys would be left out.
        public let skipsBlocks: Bool
        /// The maps of the queries that would be applied to the keys; see ``Plan/absorbed``.
        public let absorbed: String?
        /// The order of products, of the re-associated strategy alone.
        public let order: String?
        /// Operations that it needs.
        public let executedOperations: Double
        /// Bytes of device memory that it would take; none where it does not fit.
        public let peakMemory: Int?
        /// Why it can't be had, where it does not fit.
        public let obstacle: String?
    }

    /// What else could compute the same, the fastest first: plain kernels reach a tenth of what the tiles do.
    static func alternatives(
        to chosen: Method, among methods: [Method], _ steps: (Method) -> [CostedStep],
        _ workload: (Method) -> Workload, limit: Int, device: Device
    ) -> [Alternative] {
        methods.filter { $0 != chosen }.map { method in
            let schedule: Result<Schedule, any Error> = Result {
                try Schedule(workload(method), limit: limit, device: device)
            }
            var obstacle: String?
            if case .failure(let error) = schedule {
                obstacle = (error as? NonLocalError)?.message ?? "\(error)"
            }
            return Alternative(
                strategy: method.strategy, kernels: method.kernels,
                skipsBlocks: method.skips, absorbed: method.absorbed.names,
                order: method.order.map { "\($0.head.rawValue), \($0.tail.rawValue)" },
                executedOperations: steps(method).operations, peakMemory: (try? schedule.get())?.bytes,
                obstacle: obstacle)
        }
    }
}

extension Plan.Tile {
    init(_ tile: PanelTile) {
        self.init(
            rows: tile.rows, positions: tile.panel, lanes: tile.lanes, terms: tile.depth,
            keys: tile.blockKeys,
            workItems: tile.workers)
    }
}

extension Plan.Tile: CustomStringConvertible {
    /// The tile in words.
    public var description: String {
        "\(rows) rows × \(positions) positions (\(positions / lanes) × \(lanes) lanes), sums of \(terms) terms, "
            + "blocks of \(keys) keys, \(workItems) work-items"
    }
}

extension Plan.WorkGroupTile {
    init(_ tile: GroupTile) {
        self.init(
            side: tile.side, sums: tile.tile, terms: tile.depth, block: tile.block,
            localMemory: tile.localMemory)
    }
}

extension Plan.WorkGroupTile: CustomStringConvertible {
    /// In words, for people.
    public var description: String {
        "\(sums) × \(sums) sums by \(side) × \(side) work-items, slices of \(terms) terms, blocks of "
            + "\(block) queries and keys, \(localMemory) bytes of local memory"
    }
}

extension Plan.Alternative: CustomStringConvertible {
    /// The alternative in a line, with its operations and memory.
    public var description: String {
        let words =
            [
                strategy.rawValue, order, skipsBlocks ? "skipping" : nil, absorbed.map { "\($0) absorbed" },
                "\(kernels.rawValue) kernels",
            ]
            .compactMap { $0 }.joined(separator: ", ")
        let memory =
            peakMemory.map { "\((Double($0) / 1_048_576).fixed(1)) MiB" }
            ?? "does not fit: \(obstacle ?? "unknown")"
        return "\(words): \(executedOperations.giga) GFLOP, \(memory)"
    }
}
