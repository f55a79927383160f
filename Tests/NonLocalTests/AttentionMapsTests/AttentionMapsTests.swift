import Testing

@testable import NonLocal

@Suite struct AttentionMapsTests {
    static let problems: [BlockCase] = {
        var problems: [BlockCase] = []
        for scope in Scope.allCases {
            for subsample in Subsample.allCases {
                problems.append(
                    BlockCase([2, 4, 4, 4, 6], norm: .batchNorm, normGroups: 2) {
                        $0.scope = scope
                        $0.subsample = subsample
                    })
            }
        }
        problems.append(BlockCase([1, 4, 5, 6], layout: .channelsLast) { $0.pairwise = .dotProduct })
        problems.append(BlockCase([1, 4, 9], norm: .affine) { $0.pairwise = .gaussian })
        problems.append(BlockCase([1, 4, 9]) { $0.pairwise = .concatenation })
        return problems
    }()

    private func maps(
        _ problem: BlockCase, _ engine: Engine, _ quantity: AttentionMaps.Quantity, at flat: [Int]
    ) throws -> AttentionMaps {
        let grid = try Geometry(problem.configuration, shape: problem.shape).grid
        return try AttentionMaps(
            of: problem.block(), problem.input(), at: flat.map(grid.position), item: problem.shape[0] - 1,
            quantity: quantity, backend: engine.backend)
    }

    /// A query's numbers are its row of the full attention, at its group's keys and zero elsewhere.
    @Test(arguments: problems, Engine.all)
    func weightsAreRowsOfTheAttention(_ problem: BlockCase, _ engine: Engine) throws {
        let geometry = try Geometry(problem.configuration, shape: problem.shape)
        let last = geometry.grid.count - 1
        let maps = try maps(problem, engine, .weight, at: [last, 0, last / 2])
        let full = try problem.prepared(on: engine).attention(problem.input())
        let keys = geometry.keyGrid.count
        var expected = [Double](repeating: 0, count: 3 * keys)
        for (row, flat) in [last, 0, last / 2].enumerated() {
            let group = geometry.queries.place(of: flat).group
            for index in 0..<geometry.keys.count {
                let key = group * geometry.keys.groupStride + index * geometry.keys.positionStride
                expected[row * keys + key] = Double(full[geometry.batch - 1, flat, index])
            }
        }
        let tolerance = Tolerances.sameFormula(largest: expected.reduce(0) { max($0, $1.magnitude) })
        expectClose(maps.values.elements, expected) { _ in tolerance }
        #expect(maps.keyExtents == geometry.keyGrid.extents && maps.extents == geometry.grid.extents)
    }

    /// z with a single key's g left in it differs from z with none by that key's contribution.
    @Test(arguments: problems) func contributionsAreWhatAKeyAdds(_ problem: BlockCase) throws {
        let geometry = try Geometry(problem.configuration, shape: problem.shape)
        let query = geometry.grid.count / 2
        let maps = try maps(problem, .reference, .contribution, at: [query])
        let block = try problem.block()
        let reference = block.reference(geometry)
        let item = geometry.batch - 1
        let operation = reference.operation(
            on: Field(
                try problem.input(), item: item, layout: geometry.layout, channels: geometry.channels),
            queries: [query])
        let weights = operation.weights(column: 0, position: query).weights
        let group = geometry.queries.place(of: query).group
        var expected = [Double](repeating: 0, count: geometry.keyGrid.count)
        for (index, weight) in weights.enumerated() {
            let key = group * geometry.keys.groupStride + index * geometry.keys.positionStride
            // By the formula, and from the weights as they stand in the file: W_z, then the norm.
            let output = try problem.weights().output
            var square = 0.0
            for row in 0..<geometry.channels {
                var sum = 0.0
                for channel in 0..<operation.g.channels {
                    sum += Double(output.weight[row, channel]) * weight * operation.g[channel, key]
                }
                switch try problem.weights().norm {
                case .none: break
                case .affine(let scale, _): sum *= Double(scale[row])
                case .batchNorm(let scale, _, _, let variance, let epsilon):
                    sum *= Double(scale[row]) / (Double(variance[row]) + epsilon).squareRoot()
                }
                square += sum * sum
            }
            // The length has no sign, the weight may have one.
            expected[key] = weight < 0 ? -square.squareRoot() : square.squareRoot()
        }
        let tolerance = Tolerances.sameFormula(largest: expected.reduce(0) { max($0, $1.magnitude) })
        expectClose(maps.values.elements, expected) { _ in tolerance }
    }

    @Test(arguments: problems) func aPositionShowsItsKey(_ problem: BlockCase) throws {
        let maps = try maps(problem, .reference, .weight, at: [0, 1])
        let geometry = try Geometry(problem.configuration, shape: problem.shape)
        let spread = try maps.overPositions(1)
        #expect(spread.shape == geometry.grid.extents)
        for flat in 0..<geometry.grid.count {
            let key = KeyRegions(geometry).key(at: flat)
            #expect(spread.elements[flat] == key.map { maps.values[1, $0] } ?? 0)
        }
    }

    /// θ = φ = x and few channels: what resembles a query most is known.
    @Test func theStrongestAreInOrderAndApart() throws {
        var block = BlockCase([1, 1, 1, 12], biases: false) { $0.pairwise = .gaussian }
        block.configuration.innerChannels = 1
        let x = try Tensor<Float>(
            shape: [1, 1, 1, 12], elements: [1, 2, 3, 4, 5, 6, 5.5, 4.5, 3.5, 2.5, 1.5, 0.5])
        let maps = try AttentionMaps(of: block.block(), x, at: [.init(h: 0, w: 0)], backend: .cpu)
        #expect(maps.strongest(3, of: 0).map(\.w) == [5, 6, 4])
        // 5 keeps 4 and 6 away, and 3 and 7 too where 2 is not enough; the query itself keeps 1 and 2 away.
        #expect(maps.strongest(9, of: 0, apart: 3).map(\.w) == [5, 8, 11])
        let values = maps.strongest(12, of: 0).map(\.value)
        #expect(values == values.sorted(by: >) && values.count == 12)
        #expect(maps.strongest(0, of: 0).isEmpty)
    }

    @Test func theOverlapTellsWhetherMapsDepend() throws {
        let x = try Tensor<Float>(shape: [1, 1, 1, 4], elements: [-30, -30, 30, 30])
        var block = BlockCase([1, 1, 1, 4]) { $0.pairwise = .gaussian }
        block.configuration.innerChannels = 1
        func overlap(_ columns: [Int]) throws -> Double? {
            try AttentionMaps(
                of: block.block(), x, at: columns.map { .init(h: 0, w: $0) }, backend: .cpu
            ).overlap
        }
        #expect(abs(try #require(try overlap([0, 1])) - 1) < 1e-6)
        #expect(try #require(try overlap([0, 2])) < 1e-6)
        // One of three pairs is alike.
        #expect(abs(try #require(try overlap([0, 1, 2])) - 1.0 / 3) < 1e-6)
        #expect(try overlap([0]) == nil)
    }

    @Test(arguments: [[1, 1, 1], [1, 9, 12], [8, 2, 1], [5, 1, 7]])
    func spreadQueriesAreInsideAndDifferent(_ extents: [Int]) {
        let queries = AttentionMaps.spreadQueries(over: extents)
        let grid = Grid(t: extents[0], h: extents[1], w: extents[2])
        #expect(queries.allSatisfy(grid.contains) && Set(queries).count == queries.count)
        #expect(queries.count == min(2, extents[1]) * min(2, extents[2]))
    }

    @Test func otherPlacesAreRefused() throws {
        let problem = BlockCase([2, 2, 3, 4])
        for (position, item) in [
            (GridPosition(h: 3, w: 0), 0), (.init(t: 1, h: 0, w: 0), 0), (.init(h: 0, w: 0), 2),
        ] {
            _ = failure(.configuration) {
                _ = try AttentionMaps(
                    of: problem.block(), problem.input(), at: [position], item: item, backend: .cpu)
            }
        }
        _ = failure(.configuration) {
            _ = try AttentionMaps(of: problem.block(), problem.input(), at: [], backend: .cpu)
        }
    }
}
