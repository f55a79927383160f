import Testing

@testable import NonLocal

/// z at chosen positions is z, bit for bit on the same backend, in the order in which they were named.
@Suite struct ChosenQueriesTests {
    static let problems: [BlockCase] = {
        var problems: [BlockCase] = []
        for scope in Scope.allCases {
            for layout in Layout.allCases {
                for groups in [0, 2] {
                    let shape = layout == .channelsFirst ? [2, 4, 3, 2, 5] : [2, 3, 2, 5, 4]
                    problems.append(
                        BlockCase(shape, norm: .batchNorm, normGroups: groups, layout: layout) {
                            $0.scope = scope
                        })
                }
            }
        }
        for subsample in [Subsample.convFirst, .poolFirst] {
            problems.append(BlockCase([1, 4, 3, 4, 5]) { $0.subsample = subsample })
            problems.append(
                BlockCase([2, 4, 3, 4, 5], normGroups: 2) {
                    $0.subsample = subsample
                    $0.scope = .space
                })
        }
        for ownWeight in [OwnWeight.exclude, .strongest] {
            for scope in Scope.allCases {
                problems.append(
                    BlockCase([2, 3, 3, 2, 5]) {
                        $0.ownWeight = ownWeight
                        $0.scope = scope
                    })
            }
        }
        problems.append(BlockCase([1, 3, 67]) { $0.pairwise = .concatenation })
        problems.append(BlockCase([1, 3, 67]) { $0.pairwise = .gaussian })
        problems.append(BlockCase([1, 3, 67]) { $0.residual = false })
        return problems
    }()

    @Test(arguments: problems, Engine.all)
    func match(_ problem: BlockCase, _ engine: Engine) throws {
        let prepared = try problem.prepared(on: engine)
        let x = try problem.input()
        let all = try prepared(x).elements
        let (items, channels) = (problem.shape[0], problem.configuration.channels)
        let positions = problem.shape.reduce(1, *) / items / channels
        let isFirst = problem.configuration.layout == .channelsFirst
        for queries in [[0], [positions - 1, 0], [7, 3, 3, 20, 7, 19], Array((0..<positions).reversed())] {
            let result = try prepared.run(x, queries: queries)
            let count = queries.count
            #expect(result.output.shape == (isFirst ? [items, channels, count] : [items, count, channels]))
            if engine == .opencl {
                #expect(
                    result.validation.rows == items * count && result.validation.rowsInAll == items * count)
            }
            var expected = [Float](repeating: 0, count: items * channels * count)
            for item in 0..<items {
                for (index, query) in queries.enumerated() {
                    for c in 0..<channels {
                        let from = isFirst ? c * positions + query : query * channels + c
                        let to = isFirst ? c * count + index : index * channels + c
                        expected[item * channels * count + to] = all[item * channels * positions + from]
                    }
                }
            }
            // All positions may run fused and chosen ones staged, where the own weight is special; both were
            // compared with the reference.
            if problem.configuration.ownWeight == .include {
                expectSameBits(result.output.elements, expected, "queries \(queries.prefix(9))")
            } else {
                let errors = zip(result.output.elements, expected).map { ($0 - $1).magnitude }
                #expect(errors.allSatisfy { $0 < 1e-5 }, "queries \(queries.prefix(9)): \(errors)")
            }
        }
    }

    @Test(.needsDevice, arguments: [Backend.cpu, .opencl])
    func matchThroughTheShortPath(_ backend: Backend) throws {
        let problem = BlockCase([2, 3, 4, 5])
        let block = try problem.block()
        let x = try problem.input()
        let z = try block(x, backend: backend)
        let chosen = try block(x, queries: [19, 2], backend: backend)
        #expect(chosen.shape == [2, 3, 2])
        #expect(chosen[1, 2, 0] == z[1, 2, 3, 4])
        #expect(chosen[1, 2, 1] == z[1, 2, 0, 2])
    }

    @Test(arguments: Engine.all, [([20], "outside of the 20"), ([0, -1], "outside"), ([], "no query")])
    func badQueriesAreRefused(_ engine: Engine, _ bad: (queries: [Int], says: String)) throws {
        let problem = BlockCase([1, 2, 4, 5])
        let prepared = try problem.prepared(on: engine)
        let x = try problem.input()
        for call in [
            { _ = try prepared.run(x, queries: bad.queries) },
            { _ = try prepared.attention(x, queries: bad.queries) },
        ] {
            let error = failure(.configuration, call)
            #expect(error?.message.contains(bad.says) == true, "\(String(describing: error))")
            #expect(error?.advice.contains("(t·H + h)·W + w") == true)
        }
    }
}
