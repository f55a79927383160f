import Testing

@testable import NonLocal

/// Attention maps: full ones, those of chosen queries, and of one query on its grid.
@Suite struct AttentionMapTests {
    static let problems: [BlockCase] = {
        var problems: [BlockCase] = []
        for pairwise in PairwiseFormTests.named + PairwiseFormTests.generic.prefix(7) {
            problems.append(BlockCase([2, 4, 3, 5]) { $0.pairwise = pairwise })
        }
        for scope in Scope.allCases {
            for subsample in [Subsample.none, .convFirst, .poolFirst] {
                problems.append(
                    BlockCase([2, 4, 4, 2, 3], normGroups: 2) {
                        $0.scope = scope
                        $0.subsample = subsample
                    })
            }
            problems.append(
                BlockCase([2, 4, 2, 3, 4], layout: .channelsLast) {
                    $0.scope = scope
                    $0.ownWeight = .exclude
                })
        }
        problems.append(BlockCase([1, 4, 131]) { $0.subsample = .convFirst })
        return problems
    }()

    @Test(.needsDevice, arguments: problems)
    func bothBackendsAgree(_ problem: BlockCase) throws {
        let x = try problem.input()
        let (reference, device) = try (problem.prepared(on: .reference), problem.prepared(on: .opencl))
        let positions = problem.shape.reduce(1, *) / problem.shape[0] / problem.configuration.channels
        for queries in [nil, [positions - 1, 2, 2, 0]] {
            let expected = try reference.attention(x, queries: queries)
            let actual = try device.attention(x, queries: queries)
            #expect(expected.shape == [problem.shape[0], queries?.count ?? positions, expected.shape[2]])
            expectSame(actual, expected, queries == nil ? "all" : "chosen")
        }
    }

    /// W_z (A g) + x with the map A is z.
    @Test(arguments: Engine.all, PairwiseFormTests.named)
    func mapsAreWhatZIsMadeOf(_ engine: Engine, _ pairwise: Pairwise) throws {
        let problem = BlockCase([1, 5, 3, 7], norm: .none) { $0.pairwise = pairwise }
        let (x, weights) = (try problem.input(), try problem.weights())
        let prepared = try problem.prepared(on: engine)
        let plain = PlainFormulas(x, weights: weights)
        let g = plain.g
        let map = try prepared.attention(x).elements.map(Double.init)
        let y = (0..<21).map { i in
            (0..<g[0].count).map { v in (0..<21).reduce(0) { $0 + map[i * 21 + $1] * g[$1][v] } }
        }
        let z = plain.z(y)
        let tolerance = Tolerances.sameFormula(largest: z.reduce(0) { max($0, $1.magnitude) })
        expectClose(try prepared(x).elements, z) { _ in tolerance }
    }

    struct Query: CustomTestStringConvertible, Sendable {
        let shape: [Int]
        var scope = Scope.spacetime
        var subsample = Subsample.none
        let query: [Int]
        let map: [Int]

        var testDescription: String { "\(shape) at \(query), \(scope.rawValue), \(subsample.rawValue)" }
    }

    static let queries = [
        Query(shape: [2, 2, 9], query: [1, 8], map: [1, 1, 9]),
        Query(shape: [2, 2, 9], subsample: .convFirst, query: [0, 3], map: [1, 1, 4]),
        Query(shape: [2, 2, 4, 5], query: [1, 3, 4], map: [1, 4, 5]),
        Query(shape: [2, 2, 4, 5], subsample: .poolFirst, query: [1, 0, 4], map: [1, 2, 2]),
        Query(shape: [2, 2, 4, 3, 5], query: [1, 3, 2, 4], map: [4, 3, 5]),
        Query(shape: [2, 2, 4, 3, 5], scope: .space, query: [1, 3, 2, 4], map: [1, 3, 5]),
        Query(shape: [2, 2, 4, 3, 5], scope: .time, query: [0, 3, 2, 4], map: [4, 1, 1]),
        Query(
            shape: [2, 2, 4, 3, 5], scope: .space, subsample: .convFirst, query: [1, 3, 2, 4], map: [1, 1, 2]),
        Query(
            shape: [2, 2, 4, 3, 5], scope: .time, subsample: .poolFirst, query: [0, 3, 2, 4], map: [2, 1, 1]),
    ]

    @Test(arguments: queries, Engine.all)
    func ofOneQueryIsARowOfTheFullMap(_ query: Query, _ engine: Engine) throws {
        let problem = BlockCase(query.shape) {
            $0.scope = query.scope
            $0.subsample = query.subsample
        }
        let block = try problem.block()
        let x = try problem.input()
        let map = try block.attentionMap(x, query: query.query, backend: engine == .opencl ? .opencl : .cpu)
        #expect(map.shape == query.map)
        let flat = zip(query.query.dropFirst(), query.shape[2...]).reduce(0) { $0 * $1.1 + $1.0 }
        let full = try problem.prepared(on: engine).attention(x)
        let row = (0..<map.count).map { full[query.query[0], flat, $0] }
        expectSame(try map.reshaped([map.count]), try Tensor(shape: [map.count], elements: row))
    }

    @Test(arguments: [[0, 0, 0], [0, 4], [2, 0], [-1, 0], [0], []])
    func badQueriesAreRefused(_ query: [Int]) throws {
        let problem = BlockCase([2, 2, 4])
        let error = failure(.configuration) {
            _ = try problem.block().attentionMap(problem.input(), query: query, backend: .cpu)
        }
        #expect(
            error?.message.contains("\(query) is no position of x, whose batch and grid are [2, 4]") == true)
    }
}
