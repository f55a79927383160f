import SwiftOpenCL

extension VerificationProblems {
    /// The kernels of the sorted strategy by themselves, where they are to be verified.
    var sortedProblems: [Problem] {
        guard kernels == .panel, session.device.supportsDoubles else { return [] }
        let tile = panelTile
        return [(1, 1), (7, 33)].map { panelTranspose(tile, $0, $1) }
            + [(1, 1), (2, 7), (65, 19)].map { sort(tile, $0, $1) }
            + [(1, 1, 1), (tile.lanes + 1, 7, 2), (2 * tile.lanes, 9, 33)].flatMap { channels, keys, rows in
                [1, 2].map { sortedAggregate(tile, channels, keys, rows, slab: $0) }
            }
    }

    private func panelTranspose(_ tile: PanelTile, _ channels: Int, _ positions: Int) -> Problem {
        problem("panel_transpose", "\(channels) channels, \(positions) positions", terms: 0) { launcher in
            let x = values(2, channels, positions)
            let target = try buffer(count: x.count)
            try PanelTransposeKernel(session.library, tile, slab: 1).launch(
                launcher, from: view(x, channels, positions),
                to: View(target, channels: channels, positions: positions, layout: .channelsLast),
                channels: channels, positions: positions, groups: 2)
            let expected = (0..<2).flatMap { item in
                pairs(positions, channels) { Double(x[(item * channels + $1) * positions + $0]) }
            }
            return (target, expected)
        }
    }

    private func sort(_ tile: PanelTile, _ keys: Int, _ rows: Int) -> Problem {
        problem("sort", "\(keys) keys, \(rows) rows", terms: 0) { launcher in
            let phi = values(2, 1, keys), theta = values(2, 1, rows)
            let count = 2 * PanelTile.sortedElements(keys: keys, rows: rows)
            let target = try buffer(count: count)
            try SortKernel(session.library, tile, slab: 1).launch(
                launcher, phi: view(phi, 1, keys), theta: view(theta, 1, rows), to: target,
                scratch: buffer(count: count), keys: keys, rows: rows, groups: 2)
            return (target, sorted(phi, keys, theta, rows).map(Double.init))
        }
    }

    private func sortedAggregate(
        _ tile: PanelTile, _ channels: Int, _ keys: Int, _ rows: Int, slab: Int
    ) -> Problem {
        let words = "\(channels) channels, \(keys) keys, \(rows) rows, slab \(slab)"
        return problem("sorted_aggregate", words, terms: 1) { launcher in
            let phi = values(2, 1, keys), theta = values(2, 1, rows), g = values(2, keys, channels)
            let target = try buffer(count: 2 * rows * channels)
            try SortedAggregateKernel(session.library, tile, slab: slab).launch(
                launcher, sorted: Buffer(session.context, copying: sorted(phi, keys, theta, rows)),
                g: View(
                    Buffer(session.context, copying: g), channels: channels, positions: keys,
                    layout: .channelsLast),
                to: View(target, channels: channels, positions: rows, layout: .channelsLast),
                valueChannels: channels, keys: keys, rows: rows, groups: 2)
            return (target, concatenated(theta, phi, g, rows: rows, keys: keys, channels: channels))
        }
    }

    /// y of two groups by the formula of the concatenation, a and b being given: Σ_j max(a_i + b_j, 0) g_j / M.
    func concatenated(
        _ a: [Float], _ b: [Float], _ g: [Float], rows: Int, keys: Int, channels: Int
    ) -> [Double] {
        (0..<2).flatMap { item in
            pairs(rows, channels) { row, channel in
                (0..<keys).reduce(0) { sum, key in
                    let score = Double(a[item * rows + row]) + Double(b[item * keys + key])
                    return sum + max(score, 0) * Double(g[(item * keys + key) * channels + channel])
                } / Double(keys)
            }
        }
    }

    /// What `sort.cl` makes of two groups of b and a: numbers, each with its position's bits.
    private func sorted(_ phi: [Float], _ keys: Int, _ theta: [Float], _ rows: Int) -> [Float] {
        func sorted(_ list: [Float], _ count: Int, by precedes: (Float, Float) -> Bool) -> [Float] {
            stride(from: 0, to: list.count, by: count).flatMap { first in
                let order = (first..<first + count).sorted {
                    list[$0] == list[$1] ? $0 < $1 : precedes(list[$0], list[$1])
                }
                return order.flatMap { [list[$0], Float(bitPattern: UInt32($0 - first))] }
            }
        }
        return sorted(phi, keys, by: >) + sorted(theta, rows, by: <)
    }
}
