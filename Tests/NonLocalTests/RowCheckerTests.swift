import Testing

@testable import NonLocal

/// Rows by the checker's order of products are those of the plain reference.
@Suite struct RowCheckerTests {
    @Test(arguments: GoldenCase.all)
    func agreesWithTheReference(_ golden: GoldenCase) throws {
        let contents = try golden.read()
        let (block, x) = (contents.block, contents.x)
        let geometry = try Geometry(block.configuration, shape: x.shape)
        let reference = ReferenceBlock(
            configuration: block.configuration,
            weights: FoldedWeights(block.weights, pairwise: block.configuration.pairwise), geometry: geometry)
        let queries = Array(Set([0, geometry.grid.count / 2, geometry.grid.count - 1]))
        let item = geometry.batch - 1
        guard let rows = RowChecker(reference).reassociatedRows(x, item: item, queries: queries) else {
            #expect(block.configuration.subsample == .convFirst || reference.weights.isIdentity)
            return
        }
        let expected = reference.itemRows(x, item: item, queries: queries)
        for row in queries.indices {
            let largest = expected[row].reduce(1) { max($0, $1.magnitude) }
            // Both are in Double; large affinities lose what their exponent takes.
            let tolerance = 1e-13 * max(1, expected.magnitudes[row].largestAffinity) * largest
            for channel in 0..<geometry.channels {
                #expect(
                    (rows[row, channel] - expected[row, channel]).magnitude <= tolerance,
                    "row \(queries[row]), channel \(channel): \(rows[row, channel]), expected \(expected[row, channel])"
                )
            }
        }
    }

}
