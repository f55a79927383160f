import SwiftOpenCL

/// How a method keeps within a memory limit: how many batch items, groups and rows at a time, in which buffers.
struct Schedule: Sendable, Hashable {
    let method: Method
    /// Batch items that are worked on together.
    let itemsPerSlice: Int
    /// Blocks of the staged strategy.
    let blocks: RowBlocks?
    /// Elements of each buffer.
    let elements: [BufferRole: Int]
    /// Elements of the weights.
    let weightElements: Int

    /// Bytes in device memory at one time.
    var bytes: Int { (elements.values.reduce(0, +) + weightElements) * MemoryLayout<Float>.stride }

    /// Affinities in a block: beyond these they stay in no cache and make nothing faster.
    private static let affinityElements = (32 << 20) / MemoryLayout<Float>.stride

    /// The schedule of the first method that keeps within the limit.
    ///
    /// - Throws: as ``init(_:limit:device:)`` for the last method, if none does.
    init(
        firstOf methods: [Method], _ workload: (Method) -> Workload, limit: Int, device: Device
    ) throws(NonLocalError) {
        for method in methods.dropLast() {
            if let schedule = try? Schedule(workload(method), limit: limit, device: device) {
                self = schedule
                return
            }
        }
        try self.init(workload(methods.last ?? .plain), limit: limit, device: device)
    }

    /// - Parameters:
    ///   - work: what is computed.
    ///   - limit: bytes that all buffers together may take.
    ///   - device: whose largest buffer is kept to.
    /// - Throws: ``NonLocalError/Code/memory`` if one item does not fit, with what it would take.
    init(_ work: Workload, limit: Int, device: Device) throws(NonLocalError) {
        let size = MemoryLayout<Float>.stride
        let perItem = max(work.elementsPerItem.values.reduce(0, +), 1)
        let largest = device.maxAllocation / size
        let needsAffinities = work.method.strategy == .staged
        let row = needsAffinities ? work.keys : 0
        let budget = limit / size - work.weightElements
        /// What all buffers but the affinities take for a number of items.
        func total(_ items: Int) -> Int { items * perItem + work.scratch(items) + work.shares(items) }
        guard budget >= total(1) + row else {
            throw NonLocalError(
                .memory,
                "one batch item takes at least \((work.weightElements + total(1) + row) * size) bytes of device "
                    + "memory, the limit is \(limit)",
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
        let mostPairs = min(max(Self.affinityElements, row), work.pairsOfLaunch(device), largest)
        let wanted = needsAffinities ? min(work.pairs, mostPairs) : 0
        var items = max(
            1,
            min(work.batch, work.mostItems, (budget - wanted) / perItem, largest / max(widest?.value ?? 1, 1))
        )
        while items > 1, total(items) + wanted > budget { items -= max(1, items / 8) }
        var elements = work.elementsPerItem.mapValues { $0 * items }
        if needsAffinities {
            let room = budget - total(items)
            guard
                let (blocks, packed) = work.blocks(
                    items, most: min(wanted, room), room: room, largest: largest)
            else {
                throw NonLocalError(
                    .memory,
                    "one row of affinities takes \(row * size) bytes or a few times that, '\(device.name)' allows "
                        + "\(min(wanted, room) * size)",
                    advice: "Raise the memory limit, or sub-sample the keys.")
            }
            elements[.affinity] = blocks.capacity
            if packed > 0 { elements[.packedAffinity] = packed }
            self.blocks = blocks
        } else {
            blocks = nil
        }
        let (scratch, shares) = (work.scratch(items), work.shares(items))
        if scratch > 0 { elements[.scratch] = scratch }
        if shares > 0 { elements[.shares] = shares }
        if work.method.roomier != nil { elements[.misfits] = 1 }
        method = work.method
        itemsPerSlice = items
        self.elements = elements
        weightElements = work.weightElements
    }
}

/// What a schedule has to find room for.
struct Workload: Sendable {
    var method: Method
    var batch: Int
    /// Items of a slice at most: fewer than all where slices come and go while others are worked on.
    var mostItems = Int.max
    /// Groups of positions in an item.
    var groups: Int
    /// Query positions and key positions of a group.
    var rows: Int
    var keys: Int
    /// Elements of each buffer for one item, apart from affinities and scratch memory.
    var elementsPerItem: [BufferRole: Int]
    var weightElements: Int
    /// The larger of d and d_v.
    var widest: Int
    /// Elements of scratch memory that one launch over a number of items takes.
    var scratchOfLaunch: @Sendable (_ items: Int) -> Int
    /// Elements that shares of keys leave to be merged in one launch over a number of items.
    var sharesOfLaunch: @Sendable (_ items: Int) -> Int

    /// Elements of scratch memory where slices have `items` items, and the last one what remains.
    func scratch(_ items: Int) -> Int { max(scratchOfLaunch(items), scratchOfLaunch(last(items))) }

    /// Elements that shares leave where slices have `items` items, and the last one what remains.
    func shares(_ items: Int) -> Int { max(sharesOfLaunch(items), sharesOfLaunch(last(items))) }

    private func last(_ items: Int) -> Int {
        let rest = batch % items
        return rest == 0 ? items : rest
    }

    /// Blocks of at most `most` affinities, and the elements that they are packed into; together they fit in `room`.
    func blocks(_ items: Int, most: Int, room: Int, largest: Int) -> (RowBlocks, packed: Int)? {
        var capacity = most
        while let blocks = RowBlocks(groups: groups * items, rows: rows, keys: keys, capacity: capacity) {
            let packed = method.packedWeights(blocks)
            if blocks.capacity + packed <= room, packed <= largest { return (blocks, packed) }
            capacity = blocks.capacity / 2
        }
        return nil
    }

    /// Operations a second of one compute unit: a guess on the low side, for kernels not seen yet.
    static let slowestUnit = 1e9

    /// Affinities that the plain kernels get through in a fifth of a second.
    func pairsOfLaunch(_ device: Device) -> Int {
        let operations = 0.2 * Double(max(device.computeUnits, 1)) * Self.slowestUnit
        return max(Int(operations) / (2 * max(widest, 1)), keys)
    }

    /// Affinities of the whole batch, or as many as can be counted.
    var pairs: Int {
        [groups, rows, keys].reduce(batch) { pairs, factor in
            let (product, overflow) = pairs.multipliedReportingOverflow(by: factor)
            return overflow ? .max : product
        }
    }
}
