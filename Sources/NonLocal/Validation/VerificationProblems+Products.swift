import SwiftOpenCL

extension VerificationProblems {
    /// Products over positions, around the tile's and a part's size.
    func gramProblems(_ tile: PanelTile) -> [Problem] {
        [(1, 1, 1), (3, 9, tile.depth + 1), (tile.panel + 1, tile.panel + 2, 5)].flatMap {
            rows, columns, positions in
            [gram(tile, rows, columns, positions), symmetricGram(tile, columns, positions)]
        }
    }

    private func gram(_ tile: PanelTile, _ rows: Int, _ columns: Int, _ positions: Int) -> Problem {
        problem("panel_gram", "\(rows) × \(columns) channels, \(positions) positions", terms: positions) {
            let a = values(2, rows, positions), b = values(2, columns, positions)
            let target = try buffer(count: 2 * rows * columns)
            try PanelGramKernels(session.library, tile).launch(
                $0, view(a, rows, positions), view(b, columns, positions),
                to: View(target, channels: rows, positions: columns), rows: rows, columns: columns,
                positions: positions, groups: 2, factor: 2, room(tile, rows, columns, positions))
            let expected = (0..<2).flatMap { item in
                let (a, b) = (field(a, item, rows, positions), field(b, item, columns, positions))
                return pairs(rows, columns) { row, column in
                    2 * (0..<positions).reduce(0.0) { $0 + a[row, $1] * b[column, $1] }
                }
            }
            return (target, expected)
        }
    }

    private func symmetricGram(_ tile: PanelTile, _ channels: Int, _ positions: Int) -> Problem {
        problem("panel_gram", "\(channels) channels squared, \(positions) positions", terms: positions) {
            launcher in
            let x = values(2, channels, positions)
            let (target, centre) = (
                try buffer(count: 2 * channels * (channels + 2)), try buffer(count: 2 * channels)
            )
            try PanelGramKernels(session.library, tile).launch(
                launcher, view(x, channels, positions), centre: centre,
                to: View(target, channels: channels, positions: channels + 2), channels: channels,
                positions: positions, groups: 2, room(tile, channels, channels, positions))
            try launcher.finish()
            let means = try session.queue.read(centre).map(Double.init)
            let expected = (0..<2).flatMap { item in
                let x = field(x, item, channels, positions)
                return pairs(channels, channels + 2) { row, column in
                    let mean = means[item * channels + row]
                    if column > channels { return mean }
                    return (0..<positions).reduce(0.0) { sum, n in
                        let other = column < channels ? x[column, n] - means[item * channels + column] : 1
                        return sum + (x[row, n] - mean) * other
                    }
                }
            }
            return (target, expected)
        }
    }

    private func room(_ tile: PanelTile, _ rows: Int, _ columns: Int, _ positions: Int) throws
        -> PanelGramKernels.Room
    {
        let blocks = tile.gramBlocks(rows: rows, columns: columns, positions: positions, groups: 2)
        return PanelGramKernels.Room(
            scratch: try buffer(count: blocks.scratch), shares: try buffer(count: blocks.shared))
    }

    /// The dot-product block by each order of its products.
    var orderProblems: [Problem] {
        guard kernels == .panel || kernels == .tile else { return [] }
        return ProductOrder.allCases.flatMap { order in
            [Scope.spacetime, .space].map { scope in
                let configuration = NonLocalBlock.Configuration(
                    channels: 5, innerChannels: 3, pairwise: .dotProduct, scale: .inverseSquareRoot,
                    scope: scope)
                let words = "re-associated, \(order.head) \(order.tail), \(scope.rawValue)"
                return Problem(family: "block", problem: words) {
                    let weights = try BlockWeights.random(for: configuration, seed: 4, zeroInitialized: false)
                    let shape = [2, 5, 2, 3, 7]
                    let prepared = try PreparedBlock(
                        configuration, FoldedWeights(weights, pairwise: .dotProduct), shape: shape,
                        session: session,
                        options: RunOptions(
                            strategy: .reassociated, kernels: kernels,
                            groupTile: GroupTile.candidates(session.device).last, testsKernels: false,
                            order: order, validation: .full))
                    let report = try prepared.run(.normal(shape: shape, mean: 2, seed: 7)).validation
                    return (report.maxRelativeError ?? 0, report.tolerance ?? 0, nil)
                }
            }
        }
    }
}
