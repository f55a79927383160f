import Testing

@testable import NonLocal

@Suite struct SampledRowsTests {
    @Test func offLooksAtNothingAndFullAtAll() {
        #expect(SampledRows.choose(.off, items: 3, rows: 5, call: 0).isEmpty)
        let all = SampledRows.choose(.full, items: 3, rows: 5, call: 7)
        #expect(all.map(\.item) == [0, 1, 2])
        #expect(all.allSatisfy { $0.rows == [0, 1, 2, 3, 4] })
    }

    @Test(arguments: [1, 2, 3, 8, 9, 20, 64], [(1, 1), (1, 7), (2, 2), (3, 1), (3, 1000), (16, 2), (16, 3)])
    func asManyRowsAsWanted(_ wanted: Int, _ size: (items: Int, rows: Int)) {
        let (items, rows) = size
        for call in 0..<5 {
            let chosen = SampledRows.choose(.sampled(rows: wanted), items: items, rows: rows, call: call)
            let count = chosen.reduce(0) { $0 + $1.rows.count }
            #expect(count == min(wanted, items * rows), "\(chosen)")
            #expect(Set(chosen.map(\.item)).count == chosen.count)
            for (item, rowsOfItem) in chosen {
                #expect((0..<items).contains(item))
                #expect(
                    rowsOfItem == Set(rowsOfItem).sorted()
                        && rowsOfItem.allSatisfy { (0..<rows).contains($0) })
                if rowsOfItem.count > 1 { #expect(rowsOfItem.first == 0 && rowsOfItem.last == rows - 1) }
            }
        }
    }

    @Test func itemsTakeTurnsAndRowsChange() {
        let calls = (0..<8).map { SampledRows.choose(.sampled(rows: 8), items: 8, rows: 100, call: $0) }
        #expect(Set(calls.flatMap { $0.map(\.item) }) == Set(0..<8))
        #expect(Set(calls.flatMap { $0.flatMap(\.rows) }).count > 10)
        let again = SampledRows.choose(.sampled(rows: 8), items: 8, rows: 100, call: 3)
        #expect(again.map(\.item) == calls[3].map(\.item) && again.map(\.rows) == calls[3].map(\.rows))
    }

    /// Beside the first, the last and random rows each call has one at a border of two tiles, of any group.
    @Test func bordersOfTilesAreAmongThem() {
        let groups = PositionGroups(Grid(t: 3, h: 5, w: 7), scope: .time)
        var seen: Set<Int> = []
        for call in 0..<400 {
            let rows = SampledRows.choose(.sampled(rows: 3), items: 1, rows: 100, call: call, tile: 32)
            let border = rows.flatMap(\.rows).first { $0 != 0 && $0 != 99 }
            if let border { seen.insert(border) }
            let some = SampledRows.choose(
                .sampled(rows: 3), items: 1, rows: 105, call: call, tile: 2, groups: groups)
            #expect(some[0].rows.count == 3 && some[0].rows.allSatisfy { (0..<105).contains($0) })
        }
        // Where the border is the first or the last row itself, a random one takes its place.
        #expect(seen.isSuperset(of: [31, 32, 63, 64, 95, 96]))
        let borders = (0..<400).count { call in
            SampledRows.choose(.sampled(rows: 3), items: 1, rows: 100, call: call, tile: 32)
                .flatMap(\.rows).contains { [31, 32, 63, 64, 95, 96].contains($0) }
        }
        #expect(borders > 250)
    }

    @Test func fewerItemsMayBeLookedAt() {
        let one = SampledRows.choose(.sampled(rows: 8), items: 8, rows: 100, call: 3, mostItems: 1)
        #expect(one.map(\.item) == [3] && one[0].rows.count == 8)
        let many = SampledRows.choose(.sampled(rows: 8), items: 8, rows: 2, call: 0, mostItems: 1)
        #expect(many.reduce(0) { $0 + $1.rows.count } == 8)
    }

    @Test func everyKthCall() {
        let looked = (0..<9).filter {
            !SampledRows.choose(.sampled(rows: 4, every: 3), items: 2, rows: 50, call: $0).isEmpty
        }
        #expect(looked == [0, 3, 6])
        let items = looked.flatMap {
            SampledRows.choose(.sampled(rows: 4, every: 3), items: 2, rows: 50, call: $0).map(\.item)
        }
        #expect(Set(items) == [0, 1], "items take turns among the calls that look")
    }

    @Test(arguments: [(0, 1), (-1, 1), (8, 0), (8, -3)])
    func nonsenseLooksAtNothing(_ rows: Int, _ every: Int) {
        #expect(SampledRows.choose(.sampled(rows: rows, every: every), items: 2, rows: 5, call: 0).isEmpty)
    }

    @Test func moreThanThereAreIsAll() {
        for wanted in [15, 16, Int.max] {
            let chosen = SampledRows.choose(.sampled(rows: wanted), items: 3, rows: 5, call: 1)
            #expect(chosen.map(\.rows.count) == [5, 5, 5])
        }
    }

    @Test(.needsDevice) func reportsSayWhatWasLookedAt() throws {
        let problem = BlockCase([2, 4, 50])
        let prepared = try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), validation: .sampled(rows: 6, every: 2))
        let x = try problem.input()
        let reports = try (0..<3).map { _ in try prepared.run(x).validation }
        #expect(reports.map(\.rows) == [6, 0, 6])
        #expect(reports.map(\.rowsInAll) == [100, 100, 100])
        #expect(reports[1].maxAbsoluteError == nil && reports[1].tolerance == nil)
        #expect((reports[0].maxRelativeError ?? 1) <= reports[0].tolerance ?? 0)
    }
}
