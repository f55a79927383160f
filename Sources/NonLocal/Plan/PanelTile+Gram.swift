extension PanelTile {
    /// How a product over positions is cut into shares (`panel_gram.cl`).
    struct GramBlocks: Sendable, Hashable {
        /// Parts of the positions that different work-items take, to be merged afterwards.
        let shares: Int
        let workers: Int
        /// Elements of scratch memory, over all work-items.
        let scratch: Int
        /// Elements that the shares leave to be merged.
        let shared: Int
    }

    /// Shares of the positions, as many as keep all workers equally busy.
    func gramBlocks(rows: Int, columns: Int, positions: Int, groups: Int) -> GramBlocks {
        let share = (tiles(rows) * self.rows + 1) * panels(columns) * panel
        let parts = (positions + depth - 1) / depth
        let isEven = groups % workers == 0 || groups >= 4 * workers
        let shares = isEven ? 1 : min(parts, workers)
        let used = min(workers, groups * shares)
        let packed = depth * (tiles(rows) * self.rows + panels(columns) * panel)
        return GramBlocks(
            shares: shares, workers: used, scratch: used * (packed + share), shared: groups * shares * share)
    }
}
