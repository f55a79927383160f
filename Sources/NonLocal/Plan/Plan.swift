import Foundation

/// What will be computed, how, and at what cost: made before anything runs, and printed on request.
public struct Plan: Sendable, Hashable {
    /// One step, over the whole batch.
    public struct Step: Sendable, Hashable {
        /// Such as `projection θ`, `affinity` or `aggregate`.
        public let name: String
        /// Floating-point operations; a multiply-add is two.
        public let operations: Double
        /// Bytes of the tensors read and written, once each.
        public let bytes: Double
    }

    /// A buffer in device memory.
    public struct Allocation: Sendable, Hashable {
        /// What it holds, such as `affinity` or `weights`.
        public let name: String
        /// Its size in bytes.
        public let bytes: Int
    }

    /// `opencl` or `cpu`.
    public let backend: String
    /// The OpenCL device's name.
    public let device: String?
    /// The way the operation is computed; never ``Strategy/automatic``.
    public let strategy: Strategy
    /// Whether blocks of keys whose weights can't matter are left out; see ``Skipping``.
    public let skipsBlocks: Bool
    /// The kind of kernels; none for the CPU reference.
    public let kernels: KernelClass?
    /// The register tile of kernels for CPU devices; none for others.
    public let tile: Tile?
    /// The tile of kernels for work-groups; none for others.
    public let workGroupTile: WorkGroupTile?
    /// How the fused kernels are laid over the work: `panels`, a kernel a stage with lanes along the queries;
    /// `time`, lanes along the pixels; `block`, all in one launch. None for other strategies.
    public let form: String?
    /// The maps of the queries that are applied to the keys, `θ`, `W_z` or `θ, W_z`; none where each is applied where
    /// the formulas have it. See ``Absorption``.
    public let absorbed: String?
    /// The order of products, of the re-associated strategy alone: how (s/M) g φᵀ is made, and how applied.
    public let order: String?
    /// What operands are kept in: what was asked for, or float32 where the device's kernels know nothing else.
    public let precision: Precision
    /// The shape of x.
    public let inputShape: [Int]
    /// What this strategy's formulas do, in order.
    public let steps: [Step]
    /// Operations by the formulas, whatever the strategy.
    public let textbookOperations: Double
    /// Operations that this strategy's formulas need.
    public let executedOperations: Double
    /// Those of ``executedOperations`` that are left out with the blocks of keys.
    let skippableOperations: Double
    /// The buffers in device memory.
    public let allocations: [Allocation]
    /// Bytes of device memory at one time, weights included; x and z too where the device does not work in
    /// the host's memory.
    public let peakMemory: Int
    /// Bytes that ``peakMemory`` was to stay under.
    public let memoryLimit: Int
    /// Batch items worked on together.
    public let itemsPerSlice: Int
    /// Groups of positions whose affinities are in memory at one time; none where they never are.
    public let groupsPerBlock: Int?
    /// Query positions of each group whose affinities are in memory at one time; none where they never are.
    public let rowsPerBlock: Int?
    /// What else could have computed the same, the fastest first.
    public let alternatives: [Alternative]
    /// What the caller should know of the choice, such as kernels that failed their test on this device.
    public let notes: [String]
}

extension Plan {
    /// Operations of a run that computed a share of the key blocks.
    ///
    /// - Parameter share: as ``BlockResult/computedShare`` has it.
    public func executedOperations(computedShare share: Double?) -> Double {
        executedOperations - skippableOperations * (1 - (share ?? 1))
    }
}

extension Plan: CustomStringConvertible {
    /// The plan as a table for people.
    public var description: String {
        var lines = [
            "\(strategy.rawValue)\((order ?? form).map { " (\($0))" } ?? ""), \(kernels.map { "\($0.rawValue) kernels, " } ?? "")on "
                + (device.map { "'\($0)' (\(backend))" } ?? "the CPU reference")
        ]
        lines.append("x \(inputShape), \(precision.rawValue)")
        for step in steps {
            let name = step.name.padding(to: 16)
            lines.append("  \(name) \(step.operations.giga) GFLOP  \((step.bytes / 1e6).fixed(1)) MB")
        }
        lines.append(
            "operations: \(textbookOperations.giga) GFLOP by the formulas, \(executedOperations.giga) executed"
        )
        if !allocations.isEmpty {
            let list = allocations.map { "\($0.name) \((Double($0.bytes) / 1_048_576).fixed(1))" }
            lines.append(
                "memory: \((Double(peakMemory) / 1_048_576).fixed(1)) of "
                    + "\((Double(memoryLimit) / 1_048_576).fixed(1)) MiB allowed (\(list.joined(separator: ", ")))"
            )
            lines.append("slices: \(itemsPerSlice) batch item\(itemsPerSlice == 1 ? "" : "s") at a time")
        }
        if precision != .float32 { lines.append("in 16 bits: \(storedOperands); sums in float32") }
        if let tile { lines.append("tiles: \(tile)") }
        if let workGroupTile { lines.append("tiles: \(workGroupTile)") }
        if let absorbed {
            lines.append("absorbed: \(absorbed), applied to the keys and not to the queries")
        }
        if skipsBlocks { lines.append("skipping: blocks of keys whose weights can't matter are left out") }
        if let groupsPerBlock, let rowsPerBlock {
            lines.append("blocks: affinities of \(groupsPerBlock) groups, \(rowsPerBlock) rows at a time")
        }
        if !alternatives.isEmpty {
            lines.append("instead of:")
            lines += alternatives.map { "  \($0)" }
        }
        lines += notes.map { "note: \($0)" }
        return lines.joined(separator: "\n")
    }

    /// What is not kept in float32 where not all is.
    private var storedOperands: String {
        let projects = steps.contains { $0.name.hasPrefix("projection") }
        return (projects ? "x, y and the weights of projections, " : "") + "θ, φ, g"
            + (strategy == .staged ? " and the weights of pairs" : "")
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String {
        padding(toLength: max(width, count), withPad: " ", startingAt: 0)
    }
}

extension Double {
    /// In units of 10⁹.
    var giga: String { (self / 1e9).fixed(self < 1e9 ? 6 : 3) }

    func fixed(_ places: Int) -> String { String(format: "%.\(places)f", self) }
}
