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
    /// Keys of a block of the fused attention, a multiple of rows and lanes (`KEYS`): their weights for a panel
    /// stay in the first-level cache, and the fewer are summed in one accumulator, the less is lost.
    var blockKeys: Int
    /// Work-items that run at the same time.
    var workers: Int
    /// Whether the fused attention gives out sums beside y.
    var sums = false

    init(_ device: Device) {
        self.init(
            lanes: Self.widths.first { $0 <= device.nativeVectorWidthFloat } ?? 4,
            workers: max(device.computeUnits, 1))
    }

    /// The tile of devices with vector registers of that many floats, one of ``widths``.
    init(lanes: Int, workers: Int) {
        self.lanes = lanes
        // The paper's 784, 3136 and 6272 positions are whole blocks of 112.
        (rows, vectors, blockKeys) = lanes == 16 ? (8, 3, 112) : (6, 2, 120)
        self.workers = workers
    }

    /// Floats that vector registers hold, the most first.
    static let widths = [16, 8, 4]

    /// Neighbouring positions that one panel holds.
    var panel: Int { lanes * vectors }

    var macros: [String: String] {
        [
            "LANES": "\(lanes)", "VECTORS": "\(vectors)", "ROWS": "\(rows)", "DEPTH": "\(depth)",
            "KEYS": "\(blockKeys)",
        ]
    }

    /// Tiles that `count` rows take, the last one perhaps in part.
    func tiles(_ count: Int) -> Int { (count + rows - 1) / rows }

    func panels(_ positions: Int) -> Int { (positions + panel - 1) / panel }

    /// Elements of a `rows` × `terms` matrix packed by rows (`panel_pack.cl`): weights, φ.
    func packedByRows(_ rows: Int, _ terms: Int) -> Int { tiles(rows) * self.rows * terms }

    /// Elements of `channels` × `keys` values packed by keys: g.
    func packedByKeys(_ channels: Int, _ keys: Int) -> Int {
        tiles(channels) * rows * ((keys + blockKeys - 1) / blockKeys * blockKeys)
    }

    /// How a projection is cut into blocks.
    struct ProjectionBlocks: Sendable, Hashable {
        /// Panels of positions, and tiles of rows, in a block.
        let panels: Int
        let tiles: Int
        /// Blocks over all items.
        let count: Int
        let workers: Int
        /// Elements of scratch memory, over all work-items.
        let scratch: Int
    }

    /// Panels of positions and tiles of rows that a projection's block has at most: the weights are read once for
    /// as many positions.
    private var mostBlockPanels: Int { (lanes == 16 ? 192 : 112) / panel }
    private static let mostBlockTiles = 24

    /// Blocks whose sums and part of the columns and weights stay in the second-level cache, and enough of them
    /// for all workers.
    func projectionBlocks(inputs: Int, outputs: Int, positions: Int, items: Int) -> ProjectionBlocks {
        let allPanels = panels(positions), allTiles = tiles(outputs)
        func blocks(_ count: Int, of size: Int) -> Int { (count + size - 1) / size }
        var panelBlocks = blocks(allPanels, of: mostBlockPanels)
        var tileBlocks = blocks(allTiles, of: Self.mostBlockTiles)
        // As many rows for each worker are as much work, whatever the last panel holds.
        let shared = blocks(tileBlocks, of: workers) * workers
        if items * panelBlocks < 8 * workers, allTiles >= 8 * shared { tileBlocks = shared }
        if tileBlocks % workers != 0 {
            panelBlocks = min(max(panelBlocks, blocks(4 * workers, of: items * tileBlocks)), allPanels)
            tileBlocks = min(max(tileBlocks, blocks(workers, of: items * panelBlocks)), allTiles)
        }
        let blockPanels = blocks(allPanels, of: panelBlocks), blockTiles = blocks(allTiles, of: tileBlocks)
        let count = items * blocks(allPanels, of: blockPanels) * blocks(allTiles, of: blockTiles)
        let used = min(workers, count)
        return ProjectionBlocks(
            panels: blockPanels, tiles: blockTiles, count: count, workers: used,
            scratch: used * panel * (blockPanels * (inputs + blockTiles * rows) + rows))
    }

    /// Elements of scratch memory that a projection of that many positions, or fewer, takes at most.
    func projectionScratchLimit(inputs: Int, outputs: Int, positions: Int) -> Int {
        let most =
            min(panels(positions), mostBlockPanels)
            * (inputs + min(tiles(outputs), Self.mostBlockTiles) * rows)
        return workers * panel * (most + rows)
    }

    /// Sums in the state of a panel (`SUM_COUNT`).
    private static let stateSums = 4

    /// How fused attention is cut into blocks.
    struct AttentionBlocks: Sendable, Hashable {
        /// Panels of queries in a block.
        let panels: Int
        /// Parts of the keys that different work-items take, to be merged afterwards.
        let shares: Int
        /// Blocks over all groups and shares.
        let count: Int
        let workers: Int
        /// Elements of scratch memory, over all work-items.
        let scratch: Int
        /// Elements that the shares leave to be merged.
        let shared: Int
    }

    /// Operations of a block of attention at most: a launch can't be stopped inside of one.
    private static let blockOperations = 8_000_000_000

    /// Blocks that read φ and g as seldom as the second-level cache allows, and enough of them for all workers.
    ///
    /// - Parameters:
    ///   - sharesKeys: whether there is room for shares of keys, and what they leave.
    ///   - skips: whether blocks of keys may be left out, by one work-item for all keys of a query.
    func attentionBlocks(
        width: Int, valueChannels: Int, rows: Int, keys: Int, groups: Int, ownWeight: OwnWeight,
        sharesKeys: Bool = true, skips: Bool = false
    ) -> AttentionBlocks {
        let allPanels = panels(rows)
        let state = panel * (tiles(valueChannels) * self.rows + 2 + (sums ? Self.stateSums : 0))
        // Skipping keeps both signs of θ, the nearest blocks and what was left out beside it.
        let perPanel = panel * (skips ? 3 * width + 2 : width) + state
        let perKey = 2 * panel * (width + valueChannels)
        let mostPanels = max(1, Self.blockOperations / (perKey * keys))
        var blockPanels = min(allPanels, max(1, 128 * 1024 / perPanel), 16, mostPanels)
        func blocks() -> Int { groups * ((allPanels + blockPanels - 1) / blockPanels) }
        while blocks() < 4 * workers, blockPanels > 1 { blockPanels = (blockPanels + 1) / 2 }
        // Too few panels for the workers: they share the keys of each.
        let keyBlocks = (keys + blockKeys - 1) / blockKeys
        let mayShare = sharesKeys && !skips && ownWeight == .include && blocks() < workers
        let shares = mayShare ? min(keyBlocks, (workers + blocks() - 1) / blocks()) : 1
        let used = min(workers, blocks() * shares)
        return AttentionBlocks(
            panels: blockPanels, shares: shares, count: blocks() * shares, workers: used,
            scratch: used * (blockPanels * perPanel + panel * blockKeys),
            shared: shares > 1 ? groups * allPanels * shares * state : 0)
    }

    /// Elements from one position to the next where channels lie side by side: such that positions one after
    /// another don't all fall into the same few sets of a cache.
    func positionStride(channels: Int) -> Int {
        channels.isMultiple(of: 128) ? channels + lanes : channels
    }

    /// Elements of a and b of the outer sum, sorted: each number and its position.
    static func sortedElements(keys: Int, rows: Int) -> Int { 2 * (keys + rows) }

    /// Vectors of channels that a work-item of the sorted strategy takes: as many as registers hold the sums
    /// of, unless that leaves workers without any.
    func slab(valueChannels: Int, groups: Int) -> Int {
        let largest = lanes == 16 ? 4 : 2
        var slab = largest
        while slab > 1, groups * ((valueChannels + slab * lanes - 1) / (slab * lanes)) < workers { slab /= 2 }
        return slab
    }
}
