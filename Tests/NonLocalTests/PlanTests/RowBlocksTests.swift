import Testing

@testable import NonLocal

@Suite struct RowBlocksTests {
    static let sizes = [1, 2, 7, 63, 64, 65, 130]

    @Test(arguments: sizes, [1, 2, 5])
    func coverEachRowOnce(_ rows: Int, _ groups: Int) throws {
        for keys in [1, 3, 64, 101] {
            for capacity in [
                keys, keys + 1, 2 * keys, 63 * keys, 64 * keys, 100 * keys, 129 * keys, rows * keys,
                3 * rows * keys, 1 << 30,
            ] {
                let blocks = try #require(
                    RowBlocks(groups: groups, rows: rows, keys: keys, capacity: capacity))
                #expect(blocks.capacity <= capacity)
                var seen = [Int](repeating: 0, count: groups * rows)
                for block in blocks.blocks(groups: groups, rows: rows) {
                    #expect(block.count <= blocks.capacity && block.keys == keys)
                    #expect(block.groups == 1 || block.firstRow == 0 && block.rows == rows)
                    for group in block.firstGroup..<block.firstGroup + block.groups {
                        for row in block.firstRow..<block.firstRow + block.rows {
                            seen[group * rows + row] += 1
                        }
                    }
                }
                let wrong = seen.firstIndex { $0 != 1 }
                #expect(
                    wrong == nil, "row \(wrong ?? 0) with capacity \(capacity): \(seen[wrong ?? 0]) times")
            }
        }
    }

    /// Cut for many rows, used for fewer, as chosen queries of one group are.
    @Test func coverFewerRowsToo() throws {
        let blocks = try #require(RowBlocks(groups: 3, rows: 100, keys: 10, capacity: 700))
        #expect(blocks.blocks(groups: 3, rows: 5).map(\.rows) == [5, 5, 5])
        #expect(blocks.blocks(groups: 1, rows: 70).map(\.rows) == [64, 6])
    }

    @Test func aRowThatDoesNotFitHasNoBlocks() {
        #expect(RowBlocks(groups: 1, rows: 1, keys: 10, capacity: 9) == nil)
        #expect(RowBlocks(groups: 1, rows: 1, keys: 1, capacity: -3) == nil)
    }

    @Test func blocksAreWholeWorkGroupsWhereTheyCan() {
        #expect(RowBlocks(groups: 1, rows: 1000, keys: 10, capacity: 2000)?.rows == 192)
        #expect(RowBlocks(groups: 1, rows: 1000, keys: 10, capacity: 639)?.rows == 63)
    }
}
