import SwiftOpenCL

/// The tile of the tile kernels, those for devices with work-groups and local memory (`tile.cl`).
struct GroupTile: Sendable, Hashable {
    /// Work-items along each side of a work-group.
    let side: Int
    /// Quads of rows, and of columns, that a work-item has in a product.
    let quads: Int
    /// Terms of a slice, which are in local memory at one time.
    let depth: Int
    /// Blocks of value channels that a work-group of fused attention has at most.
    let values: Int
    /// Cores, or multiprocessors: each takes work-groups by itself.
    var cores: Int
    /// Whether loops over registers are left to the compiler, as CPU devices want.
    var isRolled: Bool

    /// Queries, keys or value channels of a block of fused attention.
    var block: Int { 4 * side }
    /// Rows, and columns, of a product's tile.
    var tile: Int { block * quads }
    /// Work-items of a work-group.
    var workItems: Int { side * side }

    /// Bytes of local memory that a work-group takes: two slices, and the weights of a block of pairs.
    var localMemory: Int {
        let product = 2 * depth * (tile + 4), attention = (2 * depth + block) * (block + 4)
        return max(product, attention) * MemoryLayout<Float>.stride
    }

    /// Sizes that may suit a device, the one to take untried first.
    ///
    /// 4 × 4 sums a work-item take few registers, so several work-groups share a core and hide each other's
    /// waiting; 8 × 8 read local memory half as often.
    private static let shapes = [(16, 1, 16), (16, 2, 8), (16, 1, 8), (8, 2, 16), (8, 1, 16), (8, 1, 8)]

    /// The tiles that a device has the local memory and work-groups for, the one to take untried first.
    static func candidates(_ device: Device) -> [GroupTile] {
        shapes.map { side, quads, depth in
            GroupTile(
                side: side, quads: quads, depth: depth, values: 4, cores: max(device.computeUnits, 1),
                isRolled: device.type == .cpu)
        }.filter { $0.fits(device) }
    }

    private func fits(_ device: Device) -> Bool {
        localMemory <= device.localMemory && workItems <= device.maxWorkGroupSize
            && device.maxWorkItemSizes.prefix(2).allSatisfy { side <= $0 }
    }

    /// What the product kernels are compiled with.
    ///
    /// - Parameter precision: what rows and columns are kept in.
    func productMacros(_ precision: Precision = .float32) -> [String: String] {
        macros.merging(["QUADS": "\(quads)"]) { $1 }.merging(precision.storageMacros) { $1 }
    }

    /// What fused attention is compiled with for that many value channels.
    ///
    /// - Parameter precision: what θ, φ and g are kept in.
    func attentionMacros(valueChannels: Int, _ precision: Precision = .float32) -> [String: String] {
        macros.merging(["QUADS": "1", "VALUES": "\(values(of: valueChannels))"]) { $1 }
            .merging(precision.storageMacros) { $1 }
    }

    private var macros: [String: String] {
        var macros = ["SIDE": "\(side)", "DEPTH": "\(depth)"]
        if isRolled { macros["ROLLED"] = "" }
        return macros
    }

    /// Work-groups that compute the same scores, each for other value channels.
    func passes(valueChannels: Int) -> Int {
        (valueChannels + block * values - 1) / (block * values)
    }

    /// Blocks of value channels that each of these work-groups has.
    func values(of valueChannels: Int) -> Int {
        let blocks = (valueChannels + block - 1) / block, passes = passes(valueChannels: valueChannels)
        return (blocks + passes - 1) / passes
    }

    /// Whether one pass over all pairs is expected to take less time than writing their scores down, a block of rows
    /// at a time.
    ///
    /// Of each pair, in units of the time that a multiply-add takes where nothing else holds it up: one with 4q × 4q
    /// sums a work-item reads 2 / q bytes of local memory, of which a GPU reads about one in that time, and fused
    /// attention has 4 × 4. A weight takes 16. A score that is written down is moved five times, once by each product
    /// and three times by the normaliser, and each of the 20 bytes takes about 7; 16 bytes with weights in 16 bits.
    func fusingPays(width: Int, valueChannels: Int, _ precision: Precision = .float32) -> Bool {
        let bytes = precision == .float32 ? 20.0 : 16.0
        let (scores, weight, moves) = (Double(width), 16.0, bytes * 7)
        let fused =
            Double(passes(valueChannels: valueChannels)) * (2 * scores + weight) + 2 * Double(valueChannels)
        let staged = max(1, 2 / Double(quads)) * (scores + Double(valueChannels)) + weight + moves
        return fused <= staged
    }

    /// Parts of a sum, or of the keys, that different work-groups take where there are too few for the cores.
    ///
    /// - Parameters:
    ///   - groups: work-groups without sharing.
    ///   - pieces: what can be shared.
    private func shares(groups: Int, pieces: Int) -> Int {
        groups >= 2 * cores ? 1 : max(1, min(pieces, 2 * cores / groups))
    }

    /// Shares of the keys in fused attention, and the elements that they leave to be merged.
    ///
    /// - Parameter sums: whether sums are given out, of which a share leaves four as well (`SUM_COUNT`).
    func attentionShares(
        valueChannels: Int, rows: Int, keys: Int, groups: Int, sums: Bool = false
    ) -> (count: Int, shared: Int) {
        let workGroups = groups * passes(valueChannels: valueChannels) * ((rows + block - 1) / block)
        let count = shares(groups: workGroups, pieces: (keys + block - 1) / block)
        return (count, count > 1 ? groups * count * (valueChannels + 2 + (sums ? 4 : 0)) * rows : 0)
    }

    /// Shares of a product's terms, and the elements that they leave to be merged.
    func productShares(_ size: ProductSize) -> (count: Int, shared: Int) {
        let tiles = ((size.rows + tile - 1) / tile) * ((size.columns + tile - 1) / tile)
        // Fewer terms than these are not worth a merge.
        let count = shares(groups: size.groups * tiles, pieces: size.terms / 256)
        return (count, count > 1 ? size.groups * count * size.rows * size.columns : 0)
    }
}

/// The extents of a product of matrices, rows × terms by terms × columns, in each of `groups` groups.
struct ProductSize: Sendable, Hashable {
    var rows: Int
    var terms: Int
    var columns: Int
    var groups: Int

    /// Floating-point operations; a multiply-add is two.
    var operations: Double { 2 * Double(rows) * Double(terms) * Double(columns) * Double(groups) }
}
