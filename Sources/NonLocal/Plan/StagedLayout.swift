import SwiftOpenCL

/// How the staged strategy keeps within a memory limit: how many batch items, groups and rows at a time.
struct StagedLayout: Sendable, Hashable {
    /// Batch items that are worked on together.
    let itemsPerSlice: Int
    let blocks: RowBlocks
    /// Elements of each buffer.
    let elements: [BufferRole: Int]
    /// Elements of the weights.
    let weightElements: Int

    /// Bytes in device memory at one time.
    var bytes: Int { (elements.values.reduce(0, +) + weightElements) * MemoryLayout<Float>.stride }

    /// Affinities in a block: beyond these they stay in no cache and make nothing faster.
    private static let affinityElements = (32 << 20) / MemoryLayout<Float>.stride

    /// - Parameters:
    ///   - work: what is computed.
    ///   - limit: bytes that all buffers together may take.
    ///   - device: whose largest buffer is kept to, and which may share the host's memory.
    /// - Throws: ``NonLocalError/Code/memory`` if one item does not fit, with what it would take.
    init(_ work: StagedWork, limit: Int, device: Device) throws(NonLocalError) {
        let size = MemoryLayout<Float>.stride
        let fixed = max(work.elementsPerItem.values.reduce(0, +), 1)
        let largest = device.maxAllocation / size
        let budget = limit / size - work.weightElements
        guard budget >= fixed + work.keys else {
            throw NonLocalError(
                .memory,
                "one batch item takes at least \((work.weightElements + fixed + work.keys) * size) bytes of "
                    + "device memory, the limit is \(limit)",
                advice: "Raise the memory limit, or use a smaller input.")
        }
        let widest = work.elementsPerItem.max { $0.value < $1.value }
        if let widest, widest.value > largest {
            throw NonLocalError(
                .memory,
                "\(widest.key.rawValue) takes \(widest.value * size) bytes for one batch item, "
                    + "but '\(device.name)' allows \(device.maxAllocation) in one buffer",
                advice: "Use a smaller input or another device.")
        }
        let wanted = min(work.pairs, max(Self.affinityElements, work.keys), largest)
        let items = max(1, min(work.batch, (budget - wanted) / fixed, largest / max(widest?.value ?? 1, 1)))
        let capacity = min(wanted, budget - items * fixed)
        guard
            let blocks = RowBlocks(
                groups: work.groups * items, rows: work.rows, keys: work.keys, capacity: capacity)
        else {
            throw NonLocalError(
                .memory,
                "one row of affinities takes \(work.keys * size) bytes, '\(device.name)' allows \(capacity * size)",
                advice: "Raise the memory limit, or sub-sample the keys.")
        }
        itemsPerSlice = items
        self.blocks = blocks
        var elements = work.elementsPerItem.mapValues { $0 * items }
        elements[.affinity] = blocks.capacity
        self.elements = elements
        weightElements = work.weightElements
    }
}

/// What the staged strategy has to find room for.
struct StagedWork: Sendable, Hashable {
    var batch: Int
    /// Groups of positions in an item.
    var groups: Int
    /// Query positions and key positions of a group.
    var rows: Int
    var keys: Int
    /// Elements of each buffer for one item, apart from the affinities.
    var elementsPerItem: [BufferRole: Int]
    var weightElements: Int

    /// Affinities of the whole batch, or as many as can be counted.
    var pairs: Int {
        [groups, rows, keys].reduce(batch) { pairs, factor in
            let (product, overflow) = pairs.multipliedReportingOverflow(by: factor)
            return overflow ? .max : product
        }
    }
}
