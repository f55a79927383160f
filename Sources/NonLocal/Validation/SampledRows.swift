/// Which rows of a result are compared in one call.
enum SampledRows {
    /// The rows of each item to look at.
    ///
    /// Sampling takes about four rows of each of a few items, and goes on to other items with the next call: an item
    /// costs more than a row. They are the first and the last row, where a bad head or tail shows; one on either
    /// side of the border of two of the kernels' tiles; and random ones.
    ///
    /// - Parameters:
    ///   - tile: rows that a kernel's tile has, within each of `groups`.
    ///   - mostItems: to look at in one call, unless they have too few rows.
    static func choose(
        _ validation: Validation, items: Int, rows: Int, call: Int, tile: Int = 1,
        groups: PositionGroups? = nil, mostItems: Int = .max
    ) -> [(item: Int, rows: [Int])] {
        switch validation {
        case .off: return []
        case .full: return (0..<items).map { ($0, Array(0..<rows)) }
        case .sampled(let wanted, let every, let seed):
            guard wanted > 0, every > 0, call % every == 0 else { return [] }
            guard wanted < items * rows else { return choose(.full, items: items, rows: rows, call: call) }
            var generator = SplitMix64(
                seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(truncatingIfNeeded: call))
            let looked = min(items, max(min(wanted / 4, mostItems), (wanted + rows - 1) / rows))
            return (0..<looked).map { index in
                let share = min(rows, wanted / looked + (index < wanted % looked ? 1 : 0))
                var chosen: Set<Int> = share > 1 ? [0, rows - 1] : []
                if share > 2 {
                    chosen.insert(border(of: tile, rows: rows, groups, using: &generator))
                }
                while chosen.count < share { chosen.insert(Int.random(in: 0..<rows, using: &generator)) }
                return ((call / every * looked + index) % items, chosen.sorted())
            }
        }
    }

    /// The first or the last row of some tile.
    private static func border(
        of tile: Int, rows: Int, _ groups: PositionGroups?, using generator: inout SplitMix64
    ) -> Int {
        let count = groups?.count ?? rows
        let first = Int.random(in: 0..<(count + tile - 1) / tile, using: &generator) * tile
        let index = Bool.random(using: &generator) ? first : min(first + tile, count) - 1
        guard let groups else { return index }
        return Int.random(in: 0..<groups.groups, using: &generator) * groups.groupStride
            + index * groups.positionStride
    }
}
