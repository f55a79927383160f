/// Which rows of a result are compared in one call.
enum SampledRows {
    /// The rows of each item to look at.
    ///
    /// Sampling takes about four rows of each of a few items, the first and the last row among them and the
    /// others at random, and goes on to other items with the next call: an item costs more than a row.
    static func choose(
        _ validation: Validation, items: Int, rows: Int, call: Int
    ) -> [(item: Int, rows: [Int])] {
        switch validation {
        case .off: return []
        case .full: return (0..<items).map { ($0, Array(0..<rows)) }
        case .sampled(let wanted, let every, let seed):
            guard wanted > 0, every > 0, call % every == 0 else { return [] }
            guard wanted < items * rows else { return choose(.full, items: items, rows: rows, call: call) }
            var generator = SplitMix64(
                seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(truncatingIfNeeded: call))
            let looked = min(items, max(wanted / 4, (wanted + rows - 1) / rows))
            return (0..<looked).map { index in
                let share = min(rows, wanted / looked + (index < wanted % looked ? 1 : 0))
                var chosen: Set<Int> = share > 1 ? [0, rows - 1] : []
                while chosen.count < share { chosen.insert(Int.random(in: 0..<rows, using: &generator)) }
                return ((call / every * looked + index) % items, chosen.sorted())
            }
        }
    }
}
