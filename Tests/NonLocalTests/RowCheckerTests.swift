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

    private static let cases: [BlockCase] = {
        var cases: [BlockCase] = []
        for layout in [Layout.channelsFirst, .channelsLast] {
            for subsample in [Subsample.none, .poolFirst] {
                for groups in [0, 3] {
                    let shape = layout == .channelsFirst ? [2, 6, 3, 9, 11] : [2, 3, 9, 11, 6]
                    cases.append(
                        BlockCase(shape, normGroups: groups, mean: 0.3, layout: layout) {
                            $0.subsample = subsample
                        })
                    cases.append(
                        BlockCase(shape, normGroups: groups, layout: layout) {
                            $0.subsample = subsample
                            $0.pairwise = .concatenation
                            $0.scope = .space
                        })
                }
            }
            cases.append(
                BlockCase(layout == .channelsFirst ? [1, 4, 5, 6, 7] : [1, 5, 6, 7, 4], layout: layout) {
                    $0.scope = .time
                    $0.pairwise = .gaussian
                })
        }
        cases.append(BlockCase([1, 5, 700]) { $0.ownWeight = .strongest })
        cases.append(BlockCase([1, 5, 700]) { $0.pairwise = .dotProduct })
        return cases
    }()

    /// Group norms that turn the sign, which pooling then sees the other way round, included.
    @Test(arguments: cases) func agreesWithTheReferenceEverywhere(_ problem: BlockCase) throws {
        let geometry = try Geometry(problem.configuration, shape: problem.shape)
        var weights = try problem.weights()
        if let norm = weights.groupNorm {
            weights.groupNorm = .init(
                groups: norm.groups, scale: try norm.scale.map { -$0 }, shift: norm.shift,
                epsilon: norm.epsilon)
        }
        let reference = ReferenceBlock(
            configuration: problem.configuration,
            weights: FoldedWeights(weights, pairwise: problem.configuration.pairwise), geometry: geometry)
        let x = try problem.input()
        let count = geometry.grid.count
        // Five rows: four at a time and one more.
        let queries = [0, count / 3, count / 2, count - 2, count - 1]
        let checker = RowChecker(reference)
        let item = geometry.batch - 1
        let rows = try #require(checker.reassociatedRows(x, item: item, queries: queries))
        let expected = reference.itemRows(x, item: item, queries: queries)
        let largest = (0..<5).flatMap { expected[$0] }.reduce(1) { max($0, $1.magnitude) }
        for row in 0..<5 {
            for channel in 0..<geometry.channels {
                #expect((rows[row, channel] - expected[row, channel]).magnitude <= 1e-12 * largest)
            }
            #expect(
                abs(rows.magnitudes[row].largestAffinity - expected.magnitudes[row].largestAffinity)
                    <= 1e-12 * max(1, expected.magnitudes[row].largestAffinity))
        }
        // Few enough that the checker takes the cheaper order by itself.
        let map = checker.attention(x, item: item, queries: [count - 1])
        let whole = try reference.attention(x, queries: [count - 1])
        for key in 0..<geometry.keys.count {
            #expect((map[0, key] - whole[item, 0, key]).magnitude <= 1e-12)
        }
    }
}
