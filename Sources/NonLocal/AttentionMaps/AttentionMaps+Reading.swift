extension AttentionMaps {
    /// A key that stands out in a map.
    public struct Peak: Sendable, Hashable {
        /// Its weight or contribution.
        public let value: Float
        /// The middle of the positions it stands for, in frames, rows and columns of x; the middle of position 0
        /// is 0.
        public let t, h, w: Double
    }

    /// A map over the positions of x, `[T, H, W]`: each has the number of the key that it was pooled into, zero
    /// where a window that didn't fit was dropped.
    ///
    /// - Parameter query: which of ``queries``, counted from 0.
    /// - Throws: ``NonLocalError/Code/memory``.
    public func overPositions(_ query: Int) throws -> Tensor<Float> {
        let keys = regions.keyGrid.count
        return try values.withUnsafeBufferPointer { values in
            try Tensor(shape: extents) { target in
                for flat in target.indices {
                    target.initializeElement(
                        at: flat, to: regions.key(at: flat).map { values[query * keys + $0] } ?? 0)
                }
            }
        }
    }

    /// The keys with the largest numbers, the largest first; without those that are zero.
    ///
    /// - Parameters:
    ///   - count: how many at most.
    ///   - query: which of ``queries``, counted from 0.
    ///   - apart: the least distance, in positions, between two of them in one frame, and from the query in its
    ///     own frame, so that they don't crowd around one place. With 0 they are the strongest, whatever lies
    ///     beside them, the query's own key among them.
    public func strongest(_ count: Int, of query: Int, apart: Double = 0) -> [Peak] {
        let keys = regions.keyGrid.count
        let own = queries[query]
        var peaks: [Peak] = []
        values.withUnsafeBufferPointer { values in
            let row = values[query * keys..<(query + 1) * keys]
            let order = row.indices.filter { row[$0] > 0 }.sorted { (row[$1], $0) < (row[$0], $1) }
            for index in order where peaks.count < count {
                let centre = regions.centre(of: index - query * keys)
                func isFar(_ t: Double, _ h: Double, _ w: Double) -> Bool {
                    let (dh, dw) = (centre.h - h, centre.w - w)
                    return (centre.t - t).magnitude >= 1 || dh * dh + dw * dw >= apart * apart
                }
                guard isFar(Double(own.t), Double(own.h), Double(own.w)),
                    peaks.allSatisfy({ isFar($0.t, $0.h, $0.w) })
                else { continue }
                peaks.append(Peak(value: row[index], t: centre.t, h: centre.h, w: centre.w))
            }
        }
        return peaks
    }

    /// How much of the maps is the same for all queries: the mean over pairs of queries of Σ_j min(p_j, q_j),
    /// each map scaled to a sum of 1. 1 where every query attends to the same keys alike (Cao et al., "GCNet",
    /// 2019, found trained blocks like that), 0 where no two share a key; none for a single query, or where a
    /// map is zero or has negative weights, as the dot-product form may.
    public var overlap: Double? {
        guard queries.count > 1 else { return nil }
        let keys = regions.keyGrid.count
        return values.withUnsafeBufferPointer { values -> Double? in
            guard values.allSatisfy({ $0 >= 0 }) else { return nil }
            let sums = queries.indices.map { query in
                values[query * keys..<(query + 1) * keys].reduce(0) { $0 + Double($1) }
            }
            guard sums.allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
            var total = 0.0
            for second in queries.indices.dropFirst() {
                for first in 0..<second {
                    for key in 0..<keys {
                        total += min(
                            Double(values[first * keys + key]) / sums[first],
                            Double(values[second * keys + key]) / sums[second])
                    }
                }
            }
            return total / Double(queries.count * (queries.count - 1) / 2)
        }
    }

    /// Queries to look at where none are named: at thirds of the rows and columns of the middle frame, each
    /// once.
    ///
    /// - Parameter extents: T, H and W of x.
    public static func spreadQueries(over extents: [Int]) -> [GridPosition] {
        let (t, h, w) = (extents[0], extents[1], extents[2])
        var queries: [GridPosition] = []
        for row in [h / 3, 2 * h / 3] {
            for column in [w / 3, 2 * w / 3] {
                let query = GridPosition(t: t / 2, h: min(row, h - 1), w: min(column, w - 1))
                if !queries.contains(query) { queries.append(query) }
            }
        }
        return queries
    }
}
