import Testing

@testable import NonLocal

/// Keys of every kind of sub-sampling, and the positions of x that they stand for.
@Suite struct KeyRegionsTests {
    static let problems: [BlockCase] = [
        BlockCase([1, 2, 3, 5]),
        BlockCase([1, 2, 7]) { $0.subsample = .convFirst },
        BlockCase([1, 2, 5, 7]) { $0.subsample = .poolFirst },
        BlockCase([1, 2, 3, 4, 5]) { $0.subsample = .convFirst },
        BlockCase([1, 2, 5, 6, 7]) {
            $0.subsample = .convFirst
            $0.pool = .window(t: 2, h: 3, w: 1)
        },
        BlockCase([1, 2, 3, 4, 4]) {
            $0.subsample = .poolFirst
            $0.scope = .time
        },
        BlockCase([1, 2, 3, 5]) {
            $0.subsample = .convFirst
            $0.pool = .flat(4)
        },
    ]

    /// The key of a position is the one whose number changes with it: found by pooling itself.
    @Test(arguments: problems) func agreeWithWhatPoolingTakes(_ problem: BlockCase) throws {
        let geometry = try Geometry(problem.configuration, shape: problem.shape)
        let regions = KeyRegions(geometry)
        var places: [Int: [GridPosition]] = [:]
        for flat in 0..<geometry.grid.count {
            var field = Field(channels: 1, positions: geometry.grid.count)
            field[0, flat] = 1
            let pooled = ReferenceStages.maxPool(field, grid: geometry.grid, window: geometry.window)
            let key = (0..<pooled.positions).first { pooled[0, $0] == 1 }
            #expect(regions.key(at: flat) == key, "position \(flat)")
            if let key { places[key, default: []].append(geometry.grid.position(flat)) }
        }
        #expect(places.count == geometry.keyGrid.count)
        for (key, positions) in places {
            let centre = regions.centre(of: key)
            if case .flat = geometry.window {
                #expect(positions.contains { Double($0.h) == centre.h && Double($0.w) == centre.w })
                continue
            }
            let count = Double(positions.count)
            #expect(abs(centre.t - positions.reduce(0) { $0 + Double($1.t) } / count) < 1e-12)
            #expect(abs(centre.h - positions.reduce(0) { $0 + Double($1.h) } / count) < 1e-12)
            #expect(abs(centre.w - positions.reduce(0) { $0 + Double($1.w) } / count) < 1e-12)
        }
    }
}
