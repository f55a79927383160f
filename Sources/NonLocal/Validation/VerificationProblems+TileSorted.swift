import SwiftOpenCL

extension VerificationProblems {
    /// The kernels of the tile kernels' sorted strategy by themselves.
    func tileSortedProblems(_ tile: GroupTile) -> [Problem] {
        let run = GroupTile.sortRun
        return [1, 7, run, run + 1, 2 * run + 70].map { tileSort(tile, keys: $0) }
            + [(1, 1), (65, 9), (3, run + 70)].map { tilePrefix(tile, channels: $0, keys: $1) }
            + [tilePrefix(tile, channels: 3, keys: 70, closeTo: 1000)]
            + [(1, 1, 1), (65, 9, 66), (3, 2 * run + 70, 70)].map {
                tileSorted(tile, channels: $0, keys: $1, rows: $2)
            }
    }

    private func tileSort(_ tile: GroupTile, keys: Int) -> Problem {
        problem("tile_sort", "side \(tile.side), \(keys) keys", terms: 0) { launcher in
            let phi = values(2, 1, keys)
            let target = try buffer(count: 4 * keys)
            try TileSortKernels(session.library, tile).launch(
                launcher, phi: view(phi, 1, keys), to: target, scratch: buffer(count: 4 * keys), keys: keys,
                groups: 2)
            // A number's lower half is its position, the upper one the key.
            return (target, sortedNumbers(phi, keys).flatMap { [Double($0.position), Double($0.key)] })
        }
    }

    /// - Parameter closeTo: what all keys are close to: they differ in their last bits alone.
    private func tilePrefix(
        _ tile: GroupTile, channels: Int, keys: Int, closeTo middle: Float? = nil
    ) -> Problem {
        var words = "side \(tile.side), \(channels) channels, \(keys) keys"
        if let middle { words += " close to \(middle)" }
        return problem("tile_prefix", words, terms: 1) { launcher in
            let phi = values(2, 1, keys).map { value in
                middle.map { $0 + (8 * value).rounded() * $0.ulp } ?? value
            }
            let g = values(2, channels, keys)
            let numbers = sortedNumbers(phi, keys)
            let sizes = GroupTile.sortedElements(valueChannels: channels, keys: keys, groups: 2)
            let target = try buffer(count: 4 * channels * keys)
            try TilePrefixKernels(session.library, tile).launch(
                launcher,
                sorted: Buffer(session.context, copying: numbers.flatMap { [$0.position, $0.key] }),
                g: view(g, channels, keys), parts: buffer(count: sizes[.partSums] ?? 0), to: target,
                valueChannels: channels, keys: keys, groups: 2)
            var expected = [Double](repeating: 0, count: 4 * channels * keys)
            for item in 0..<2 {
                for channel in 0..<channels {
                    var (sum, steps) = (0.0, 0.0)
                    var last: Double?
                    for rank in 0..<keys {
                        let position = Int(numbers[item * keys + rank].position.bitPattern)
                        let b = Double(phi[item * keys + position])
                        steps += (last ?? b) * sum - b * sum
                        sum += Double(g[(item * channels + channel) * keys + position])
                        last = b
                        let at = (item * keys + rank) * 2 * channels + channel
                        (expected[at], expected[at + channels]) = (sum, steps)
                    }
                }
            }
            return (target, expected)
        }
    }

    /// All of the kernels, from a and b to y.
    func tileSorted(_ tile: GroupTile, channels: Int, keys: Int, rows: Int) -> Problem {
        let words = "side \(tile.side), \(channels) channels, \(keys) keys, \(rows) rows"
        return problem("tile_sorted_aggregate", words, terms: 1) { launcher in
            let phi = values(2, 1, keys), theta = values(2, 1, rows), g = values(2, keys, channels)
            let target = try buffer(count: 2 * rows * channels)
            let sizes = GroupTile.sortedElements(valueChannels: channels, keys: keys, groups: 2)
            func room(_ role: BufferRole) throws -> Buffer<Float> { try buffer(count: sizes[role] ?? 0) }
            try TileSortedAttention(session.library, tile).run(
                launcher,
                AttentionOperands(
                    theta: view(theta, 1, rows), phi: view(phi, 1, keys),
                    g: View(
                        Buffer(session.context, copying: g), channels: channels, positions: keys,
                        layout: .channelsLast),
                    y: View(target, channels: channels, positions: rows, layout: .channelsLast), width: 1,
                    valueChannels: channels, groups: 2, rows: rows, keys: keys),
                TileSortedAttention.Room(
                    sorted: room(.sorted), scratch: room(.sorted), parts: room(.partSums),
                    sums: room(.runningSums)))
            return (target, concatenated(theta, phi, g, rows: rows, keys: keys, channels: channels))
        }
    }

    /// What `tile_sort.cl` makes of two groups of b: each key and its position, by their bits.
    private func sortedNumbers(_ phi: [Float], _ keys: Int) -> [(position: Float, key: Float)] {
        stride(from: 0, to: phi.count, by: keys).flatMap { first in
            (first..<first + keys).map { index -> UInt64 in
                let bits = phi[index].bitPattern
                let ascending = bits >> 31 == 1 ? ~bits : bits | 1 << 31
                return UInt64(~ascending) << 32 | UInt64(index - first)
            }.sorted().map {
                (Float(bitPattern: UInt32(truncatingIfNeeded: $0)), Float(bitPattern: UInt32($0 >> 32)))
            }
        }
    }
}
