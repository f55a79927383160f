/// How the queries are cut into blocks, so that the affinities of one block fit into a buffer.
struct RowBlocks: Sendable, Hashable {
    /// Groups and rows of a full block; several groups only with all rows.
    let groups: Int
    let rows: Int
    /// Keys of each group.
    let keys: Int

    /// Affinities of a full block.
    var capacity: Int { groups * rows * keys }

    /// Blocks of at most `capacity` affinities, or none if not even one row fits.
    init?(groups: Int, rows: Int, keys: Int, capacity: Int) {
        guard keys <= capacity else { return nil }
        self.keys = keys
        if rows <= capacity / keys {
            self.groups = min(groups, capacity / keys / rows)
            self.rows = rows
        } else {
            self.groups = 1
            let fitting = capacity / keys
            self.rows = fitting >= 64 ? fitting / 64 * 64 : fitting
        }
    }

    /// The blocks of `groups` groups with `rows` rows each, in order.
    func blocks(groups allGroups: Int, rows allRows: Int) -> [RowBlock] {
        stride(from: 0, to: allGroups, by: groups).flatMap { firstGroup in
            stride(from: 0, to: allRows, by: rows).map { firstRow in
                RowBlock(
                    firstGroup: firstGroup, groups: min(groups, allGroups - firstGroup), firstRow: firstRow,
                    rows: min(rows, allRows - firstRow), keys: keys)
            }
        }
    }
}
