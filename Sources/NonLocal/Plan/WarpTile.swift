/// How fused attention is cut up for tensor cores (`warp_tiling.cl`).
///
/// A work-group has `rowWarps` × `slices` warps, each with `rowTiles` tiles of 16 queries and one slice of the
/// channels.
struct WarpTile: Sendable, Hashable {
    /// What numbers become on the way into the tensor cores, which sum in float32.
    enum Arithmetic: String, Sendable, Hashable, CaseIterable {
        case float16
        case bfloat16
        /// float16 twice: the number, and what rounding left of it.
        case float32

        /// What a precision begins with.
        init(_ precision: Precision) {
            self =
                switch precision {
                case .float32: .float32
                case .mixed, .float16: .float16
                case .bfloat16: .bfloat16
                }
        }

        /// Numbers that take the place of one (`PARTS`).
        var parts: Int { self == .float32 ? 2 : 1 }
    }

    /// The widest θ and φ, and the most channels of g, that it is meant for.
    let width: Int
    let values: Int
    let rowWarps: Int
    let slices: Int
    let rowTiles: Int
    /// Keys of a block.
    let keys: Int
    /// Pieces that a block of φ and of g is read in.
    let phiStages: Int
    let gStages: Int
    /// Buffers that the pieces go through.
    let ring: Int
    /// Steps of 16 channels of a stage whose θ stays in registers.
    let kept: Int
    /// Steps of 16 channels that the tensor cores sum by themselves; any number where none is said.
    let chain: Int?

    /// - Parameters:
    ///   - warps: 2 · `tiles` is a multiple of `slices`: each warp weighs whole eights of queries.
    ///   - stages: in all a multiple of the ring's 2 to 4 buffers.
    init(
        _ width: Int, _ values: Int, _ warps: (rows: Int, slices: Int), tiles: Int, keys: Int,
        stages: (phi: Int, g: Int) = (1, 1), ring: Int = 2, kept: Int = .max, chain: Int? = nil
    ) {
        (self.width, self.values) = (width, values)
        (rowWarps, slices, rowTiles, self.keys) = (warps.rows, warps.slices, tiles, keys)
        (phiStages, gStages, self.ring) = (stages.phi, stages.g, ring)
        (self.kept, self.chain) = (kept, chain)
    }

    /// The tilings, the smallest first: those that `make ptx` finds to need neither more than 255 registers (a spilled one is an error there) nor
    /// more than 48 KB of local memory, and of these the ones whose traffic allows the highest speed
    /// (Benchmarks/GPU.md).
    static func table(_ arithmetic: Arithmetic) -> [WarpTile] {
        arithmetic == .float32
            ? [
                WarpTile(64, 64, (4, 1), tiles: 2, keys: 16, chain: 4),
                WarpTile(128, 128, (4, 2), tiles: 2, keys: 16, kept: 2, chain: 4),
                WarpTile(256, 256, (4, 2), tiles: 1, keys: 16, chain: 4),
                WarpTile(512, 512, (2, 4), tiles: 2, keys: 16, stages: (8, 8), kept: 0, chain: 4),
                WarpTile(1024, 512, (2, 4), tiles: 2, keys: 16, stages: (16, 8), kept: 0, chain: 4),
                WarpTile(2048, 512, (2, 4), tiles: 2, keys: 16, stages: (32, 8), kept: 0, chain: 4),
            ]
            : [
                WarpTile(64, 64, (4, 1), tiles: 2, keys: 32),
                WarpTile(128, 128, (4, 1), tiles: 2, keys: 16, stages: (2, 2), kept: 3),
                WarpTile(256, 256, (4, 2), tiles: 2, keys: 16, stages: (2, 2)),
                WarpTile(512, 512, (2, 4), tiles: 2, keys: 16, kept: 7),
                // The next one has twice as many channels in a stage, up to which d is rounded.
                WarpTile(768, 512, (2, 4), tiles: 2, keys: 16, stages: (4, 2), kept: 0),
                WarpTile(1024, 512, (2, 4), tiles: 2, keys: 32, stages: (8, 4), kept: 0),
                WarpTile(2048, 512, (2, 4), tiles: 2, keys: 32, stages: (16, 4), kept: 0),
            ]
    }

    /// Others for the same widths, which a device or its compiler may like better: fewer registers, so that more
    /// work-groups share a multiprocessor, other blocks of keys, or pieces further ahead.
    private static func others(_ arithmetic: Arithmetic) -> [WarpTile] {
        arithmetic == .float32
            ? [
                WarpTile(64, 64, (4, 1), tiles: 1, keys: 16, chain: 4),
                WarpTile(64, 64, (4, 2), tiles: 2, keys: 16, chain: 4),
                WarpTile(128, 128, (4, 2), tiles: 2, keys: 16, stages: (2, 2), kept: 1, chain: 4),
                WarpTile(128, 128, (4, 2), tiles: 1, keys: 16, chain: 4),
                WarpTile(128, 128, (4, 1), tiles: 1, keys: 16, kept: 4, chain: 4),
                WarpTile(256, 256, (2, 4), tiles: 2, keys: 16, stages: (2, 2), kept: 0, chain: 4),
                WarpTile(256, 256, (2, 4), tiles: 2, keys: 16, kept: 2, chain: 4),
                WarpTile(512, 512, (2, 4), tiles: 2, keys: 16, stages: (8, 8), ring: 4, kept: 0, chain: 4),
            ]
            : [
                WarpTile(64, 64, (4, 1), tiles: 2, keys: 16), WarpTile(64, 64, (4, 1), tiles: 1, keys: 32),
                WarpTile(128, 128, (4, 1), tiles: 1, keys: 32),
                WarpTile(128, 128, (4, 2), tiles: 2, keys: 16),
                WarpTile(256, 256, (2, 4), tiles: 2, keys: 16),
                WarpTile(256, 256, (4, 2), tiles: 1, keys: 32),
                WarpTile(512, 512, (2, 4), tiles: 2, keys: 16, stages: (2, 2), ring: 4, kept: 3),
                WarpTile(512, 512, (4, 2), tiles: 1, keys: 16, stages: (2, 2), kept: 8),
                WarpTile(512, 512, (2, 4), tiles: 2, keys: 32, kept: 3),
            ]
    }

    /// Every tiling for the widths of one of the table, that one first.
    static func candidates(_ arithmetic: Arithmetic, like tile: WarpTile) -> [WarpTile] {
        [tile] + others(arithmetic).filter { ($0.width, $0.values) == (tile.width, tile.values) }
    }

    /// In words, by which the tuning table knows it.
    var name: String {
        let words = [
            "\(rowWarps)×\(slices) warps", "\(16 * rowTiles) queries each", "\(keys) keys",
            "\(phiStages) + \(gStages) stages", "ring of \(ring)",
        ]
        return (words + (kept == .max ? [] : ["\(kept) kept"])).joined(separator: ", ")
    }

    /// What a driver that is not asked gives a kernel of local memory.
    static let usualLocalMemory = 48 << 10

    /// The most channels of θ and φ that fused attention takes, and of g that one launch takes.
    static let widest = 2048, mostValues = 512

    var threads: Int { 32 * rowWarps * slices }
    /// Queries of a work-group.
    var blockRows: Int { 16 * rowTiles * rowWarps }
    var keyTiles: Int { keys / 16 }
}

/// Fused attention on tensor cores, for certain numbers of channels.
struct WarpVariant: Sendable, Hashable {
    let tile: WarpTile
    let arithmetic: WarpTile.Arithmetic
    /// Whether the kernels hold PTX, or its twin that runs on any device.
    let usesPTX: Bool
    /// Channels of θ and φ, and of g, rounded up to what the tile takes.
    let width: Int
    let values: Int

    /// The variant of the table's tile, or of another one for the same widths.
    ///
    /// - Parameter tuned: tiles to take in the place of the table's.
    /// - Throws: ``NonLocalError/Code/configuration`` if θ and φ are too wide.
    init(
        width: Int, values: Int, arithmetic: WarpTile.Arithmetic, usesPTX: Bool, tuned: [WarpTile] = []
    ) throws(NonLocalError) {
        let values = min(values, WarpTile.mostValues)
        guard
            let tile = WarpTile.table(arithmetic).first(where: { width <= $0.width && values <= $0.values })
        else {
            throw NonLocalError(
                .configuration,
                "the warp kernels take \(WarpTile.widest) channels of θ and φ at most, not \(width)",
                advice: "Use strategy staged.")
        }
        let better = tuned.first { ($0.width, $0.values) == (tile.width, tile.values) }
        self.init(better ?? tile, width: width, values: values, arithmetic: arithmetic, usesPTX: usesPTX)
    }

    /// Bytes of local memory (`ARENA`).
    var localMemory: Int {
        let fragment = 32 * arithmetic.parts, slices = tile.slices
        let phi = tile.keyTiles * width / 16 / tile.phiStages * fragment
        let g = tile.keyTiles * values / 16 / tile.gStages * fragment
        let record = slices * tile.keyTiles * 64 + (arithmetic.parts == 1 ? 0 : 32)
        let records = slices == 1 ? 0 : tile.rowWarps * 2 * tile.rowTiles * record / 2
        return (tile.ring * max(phi, g) + records) * 16
    }

    init(_ tile: WarpTile, width: Int, values: Int, arithmetic: WarpTile.Arithmetic, usesPTX: Bool) {
        func rounded(_ count: Int, _ unit: Int) -> Int { (count + unit - 1) / unit * unit }
        self.tile = tile
        self.arithmetic = arithmetic
        self.usesPTX = usesPTX
        self.width = rounded(width, 16 * tile.slices * tile.phiStages)
        self.values = rounded(values, 16 * tile.slices * tile.gStages)
    }

    var macros: [String: String] {
        let steps = width / 16 / tile.slices / tile.phiStages
        var macros = [
            "WARP_PTX": usesPTX ? 1 : 0, "PARTS": arithmetic.parts,
            "BFLOAT": arithmetic == .bfloat16 ? 1 : 0, "WIDTH": width, "VALUES": values,
            "ROW_WARPS": tile.rowWarps, "SLICES": tile.slices, "ROW_TILES": tile.rowTiles,
            "KEYS": tile.keys, "PHI_STAGES": tile.phiStages, "G_STAGES": tile.gStages, "RING": tile.ring,
            "KEPT": min(tile.kept, steps),
        ]
        macros["CHAIN"] = tile.chain
        return macros.mapValues { "\($0)" }
    }

    /// Elements of an image of 16 × 16 fragments.
    func elements(rowTiles: Int, termTiles: Int) -> Int { rowTiles * termTiles * 128 * arithmetic.parts }

    /// Work-groups that a group's queries take.
    func rowBlocks(_ rows: Int) -> Int { (rows + tile.blockRows - 1) / tile.blockRows }

    func keyBlocks(_ keys: Int) -> Int { (keys + tile.keys - 1) / tile.keys }

    /// Parts of the keys that different work-groups take, to be merged afterwards: more than one where queries
    /// alone would leave compute units idle, for a part of the time or for all of it.
    ///
    /// Work-groups come in turns, as many at a time as the device has room for. To leave y of a share and to merge it
    /// costs the time of some blocks of keys.
    func shares(rows: Int, keys: Int, groups: Int, computeUnits: Int) -> Int {
        // 255 registers leave room for 8 warps.
        let room = max(computeUnits, 1) * max(1, 256 / tile.threads)
        let (blocks, keyBlocks) = (max(rowBlocks(rows) * groups, 1), Double(keyBlocks(keys)))
        let merging = Double(2 * 4 * tile.blockRows * (values + 2)) / traffic.distantBytes
        func turns(_ shares: Int) -> Double {
            Double((blocks * shares + room - 1) / room)
                * ((keyBlocks / Double(shares)).rounded(.up) + (shares > 1 ? merging : 0))
        }
        let most = min(self.keyBlocks(keys), 4 * room / blocks)
        guard most > 1 else { return 1 }
        return (1...most).min { turns($0) < turns($1) } ?? 1
    }

    /// Elements that shares leave, none where there is only one.
    func sharedElements(rows: Int, valueChannels: Int, groups: Int, shares: Int) -> Int {
        shares > 1 ? groups * shares * (min(valueChannels, WarpTile.mostValues) + 2) * rows : 0
    }

    /// Elements that fused attention works in, for `groups` groups.
    func elements(rows: Int, keys: Int, valueChannels: Int, groups: Int, shares: Int) -> [Int] {
        let keyTiles = keyBlocks(keys) * tile.keyTiles
        let theta = elements(rowTiles: rowBlocks(rows) * tile.blockRows / 16, termTiles: width / 16)
        return [
            groups * theta, groups * elements(rowTiles: keyTiles, termTiles: width / 16),
            groups * elements(rowTiles: values / 16, termTiles: keyTiles), 3 * groups,
            max(
                1,
                sharedElements(rows: rows, valueChannels: valueChannels, groups: groups, shares: shares)),
        ]
    }
}
