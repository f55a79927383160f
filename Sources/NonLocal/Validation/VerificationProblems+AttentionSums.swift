import Foundation
import SwiftOpenCL

/// What fused attention gives out beside y, each sum by itself.
extension VerificationProblems {
    /// Those of the panel kernels, where they are to be verified.
    var panelSumProblems: [Problem] {
        guard kernels == .panel else { return [] }
        var tile = panelTile
        tile.sums = true
        // More workers than panels share the keys.
        var shared = tile
        shared.workers = 6
        return [
            (tile, Sizes(width: 1, values: 1, rows: 1, keys: 1), 1),
            (tile, Sizes(width: 3, values: 7, rows: 2 * tile.panel + 1, keys: tile.blockKeys + 7), -0.5),
            (shared, Sizes(width: 5, values: 2, rows: 3, keys: 2 * tile.blockKeys + 1), 0.25),
        ].flatMap { tile, sizes, scale in
            [false, true].flatMap { isBiased in
                problems(
                    "panel_sums", "\(tile.workers) workers", sizes, scale: scale, isBiased: isBiased
                ) { launcher, operands in try launchAttention(tile, launcher, operands, scale: scale) }
            }
        }
    }

    /// Those of the tile kernels.
    func tileSumProblems(_ tile: GroupTile) -> [Problem] {
        let shared = tile.with(cores: 6)
        return [
            (tile, Sizes(width: 1, values: 1, rows: 1, keys: 1), 1),
            (tile, Sizes(width: 3, values: 7, rows: tile.block + 1, keys: 2 * tile.block + 1), -0.5),
            (shared, Sizes(width: 5, values: 2, rows: 3, keys: 3 * tile.block + 1), 0.25),
        ].flatMap { tile, sizes, scale in
            problems("tile_sums", tile.words, sizes, scale: scale) { launcher, operands in
                let shares = tile.attentionShares(
                    valueChannels: sizes.values, rows: sizes.rows, keys: sizes.keys, groups: 2, sums: true)
                try TileAttentionKernels(
                    session.library, tile, ownWeight: .include, valueChannels: sizes.values, sums: true
                ).launch(
                    launcher, operands, scale: Float(scale),
                    shared: shares.count > 1 ? buffer(count: shares.shared) : nil)
            }
        }
    }

    private struct Sizes {
        let width, values, rows, keys: Int
    }

    /// A problem for each of the sums.
    ///
    /// - Parameter isBiased: adds a bias to the scores of each key.
    private func problems(
        _ family: String, _ words: String, _ sizes: Sizes, scale: Double, isBiased: Bool = false,
        launch: @escaping (Launcher, AttentionOperands) throws -> Void
    ) -> [Problem] {
        let words =
            "\(words), d \(sizes.width), \(sizes.rows) × \(sizes.keys), scale \(scale)"
            + (isBiased ? ", bias" : "")
        let terms = max(sizes.keys, 4 * sizes.width * sizes.width)
        return AttentionSum.allCases.filter { $0 != .weightSquares }.map { sum in
            problem(family, "\(sum), \(words)", terms: terms) { launcher in
                let theta = values(2, sizes.width, sizes.rows), phi = values(2, sizes.width, sizes.keys)
                let g = values(2, sizes.values, sizes.keys), ofKeys = values(2, 1, sizes.keys)
                let bias = values(2, 1, sizes.keys)
                let count = AttentionSum.allCases.count
                let sums = try buffer(count: 2 * count * sizes.rows)
                var operands = AttentionOperands(
                    theta: try view(theta, sizes.width, sizes.rows),
                    phi: try view(phi, sizes.width, sizes.keys), g: try view(g, sizes.values, sizes.keys),
                    y: View(
                        try buffer(count: 2 * sizes.values * sizes.rows), channels: sizes.values,
                        positions: sizes.rows),
                    width: sizes.width, valueChannels: sizes.values, groups: 2, rows: sizes.rows,
                    keys: sizes.keys)
                if isBiased { operands.bias = try view(bias, 1, sizes.keys) }
                operands.sums = AttentionOperands.Sums(
                    values: try view(ofKeys, 1, sizes.keys),
                    rows: View(sums, channels: count, positions: sizes.rows), ones: try buffer(count: 1))
                try launch(launcher, operands)
                try launcher.finish()
                let all = try session.queue.read(sums)
                let actual = (0..<2).flatMap { item in
                    all[((item * count + sum.rawValue) * sizes.rows)...].prefix(sizes.rows)
                }
                let expected = (0..<2).flatMap { item -> [Double] in
                    let (theta, phi) = (
                        field(theta, item, sizes.width, sizes.rows), field(phi, item, sizes.width, sizes.keys)
                    )
                    let ofKeys = field(ofKeys, item, 1, sizes.keys).values
                    let bias = field(bias, item, 1, sizes.keys).values
                    return (0..<sizes.rows).map { row in
                        let scores = (0..<sizes.keys).map { key in
                            (0..<sizes.width).reduce(isBiased ? bias[key] : 0) {
                                $0 + theta[$1, row] * phi[$1, key]
                            }
                        }
                        return sum.value(of: scores, scale: scale, values: ofKeys)
                    }
                }
                return (try Buffer(session.context, copying: Array(actual)), expected)
            }
        }
    }
}

extension AttentionSum {
    /// What it is of one query, with weights in units of the largest.
    fileprivate func value(of scores: [Double], scale: Double, values: [Double]) -> Double {
        let greatest = scores.map { scale * $0 }.max() ?? 0
        let weights = scores.map { exp(scale * $0 - greatest) }
        return switch self {
        case .scores: scores.reduce(0, +)
        case .scoreSquares: scores.reduce(0) { $0 + $1 * $1 }
        case .weights, .normalizer: weights.reduce(0, +)
        case .weightSquares: weights.reduce(0) { $0 + $1 * $1 }
        case .weighted: zip(weights, values).reduce(0) { $0 + $1.0 * $1.1 }
        }
    }
}
