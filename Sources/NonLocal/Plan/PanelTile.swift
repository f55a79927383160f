import SwiftOpenCL

/// The register tile of the panel kernels, those for CPU devices (`panel_tile.cl`).
///
/// A tile has `rows` × `vectors` accumulators, which with the vectors of a column and one broadcast have to
/// fit the vector registers: 16 of 8 floats with AVX2, 32 of 16 with AVX-512.
struct PanelTile: Sendable, Hashable {
    /// Floats in a vector register.
    let lanes: Int
    /// Vectors side by side in a tile.
    let vectors: Int
    /// Rows of a tile.
    let rows: Int
    /// Terms summed in one accumulator; longer sums are taken in parts.
    let depth = 128
    /// Work-items that run at the same time.
    let workers: Int

    init(_ device: Device) {
        lanes = [16, 8, 4].first { $0 <= device.nativeVectorWidthFloat } ?? 4
        (rows, vectors) = lanes == 16 ? (8, 3) : (6, 2)
        workers = max(device.computeUnits, 1)
    }

    /// Neighbouring positions that one panel holds.
    var panel: Int { lanes * vectors }

    var macros: [String: String] {
        [
            "LANES": "\(lanes)", "VECTORS": "\(vectors)", "ROWS": "\(rows)", "DEPTH": "\(depth)",
        ]
    }

    /// Tiles that `count` rows take, the last one perhaps in part.
    func tiles(_ count: Int) -> Int { (count + rows - 1) / rows }

    func panels(_ positions: Int) -> Int { (positions + panel - 1) / panel }

    /// Elements of a `rows` × `terms` matrix packed for the tile.
    func packed(_ rows: Int, _ terms: Int) -> Int { tiles(rows) * self.rows * terms }

    /// How a projection is cut into blocks.
    struct ProjectionBlocks: Sendable, Hashable {
        /// Panels of positions, and tiles of rows, in a block.
        let panels: Int
        let tiles: Int
        let workers: Int
        /// Elements of scratch memory, over all work-items.
        let scratch: Int
    }

    /// Blocks whose packed columns and sums stay in the second-level cache, and enough of them for all workers.
    func projectionBlocks(inputs: Int, outputs: Int, positions: Int, items: Int) -> ProjectionBlocks {
        let allPanels = panels(positions), allTiles = tiles(outputs)
        var blockTiles = min(allTiles, 64)
        var blockPanels = min(allPanels, max(1, 96 * 1024 / (panel * inputs)), 8)
        func blocks() -> Int {
            items * ((allPanels + blockPanels - 1) / blockPanels) * ((allTiles + blockTiles - 1) / blockTiles)
        }
        while blocks() < 4 * workers, blockPanels > 1 || blockTiles > 4 {
            if blockTiles > 8 * blockPanels || blockPanels == 1 {
                blockTiles = max((blockTiles + 1) / 2, 4)
            } else {
                blockPanels = (blockPanels + 1) / 2
            }
        }
        let used = min(workers, blocks())
        return ProjectionBlocks(
            panels: blockPanels, tiles: blockTiles, workers: used,
            scratch: used * panel * (blockPanels * (inputs + blockTiles * rows) + rows))
    }

    /// Elements of scratch memory that a projection of that many positions, or fewer, takes at most.
    func projectionScratchLimit(inputs: Int, outputs: Int, positions: Int) -> Int {
        let blockPanels = min(panels(positions), max(1, 96 * 1024 / (panel * inputs)), 8)
        return workers * panel * (blockPanels * (inputs + min(tiles(outputs), 64) * rows) + rows)
    }

    /// How fused attention is cut into blocks.
    struct AttentionBlocks: Sendable, Hashable {
        /// Panels of queries in a block.
        let panels: Int
        /// Keys in a block, a multiple of the tile's rows.
        let keys: Int
        /// Parts of the keys that different work-items take, to be merged afterwards.
        let shares: Int
        let workers: Int
        /// Elements of scratch memory, over all work-items.
        let scratch: Int
        /// Elements that the shares leave to be merged.
        let shared: Int
    }

    /// Keys of a block of the fused attention: their weights for a panel stay in the first-level cache, and
    /// the fewer are summed in one accumulator, the less is lost.
    var blockKeys: Int { 96 / rows * rows }

    /// Blocks that read φ and g as seldom as the second-level cache allows, and enough of them for all workers.
    ///
    /// - Parameter sharesKeys: whether there is room for shares of keys, and what they leave.
    func attentionBlocks(
        width: Int, valueChannels: Int, rows: Int, keys: Int, groups: Int, ownWeight: OwnWeight,
        sharesKeys: Bool = true
    ) -> AttentionBlocks {
        let allPanels = panels(rows)
        let state = panel * (tiles(valueChannels) * self.rows + 2)
        let perPanel = panel * width + state
        var blockPanels = min(allPanels, max(1, 128 * 1024 / perPanel), 16)
        func blocks() -> Int { groups * ((allPanels + blockPanels - 1) / blockPanels) }
        while blocks() < 4 * workers, blockPanels > 1 { blockPanels = (blockPanels + 1) / 2 }
        // Too few panels for the workers: they share the keys of each.
        let keyBlocks = (keys + blockKeys - 1) / blockKeys
        let mayShare = sharesKeys && ownWeight == .include && blocks() < workers
        let shares = mayShare ? min(keyBlocks, (workers + blocks() - 1) / blocks()) : 1
        let used = min(workers, blocks() * shares)
        return AttentionBlocks(
            panels: blockPanels, keys: blockKeys, shares: shares, workers: used,
            scratch: used * (blockPanels * perPanel + panel * blockKeys),
            shared: shares > 1 ? groups * allPanels * shares * state : 0)
    }
}
