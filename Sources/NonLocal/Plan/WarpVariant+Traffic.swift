/// What a block of keys takes of a multiprocessor, in one work-group: the figures that tilings are compared by.
struct WarpTraffic: Sendable, Hashable {
    /// Operations of the formulas.
    let operations: Double
    /// Operations of the tensor cores: three times as many in float32.
    let tensorOperations: Double
    /// Bytes through local memory and the first-level cache, which share a path of 128 bytes a clock.
    let bytes: Double
    /// Bytes that come from the second-level cache.
    let distantBytes: Double
}

extension WarpVariant {
    var traffic: WarpTraffic {
        let fragment = Double(512 * arithmetic.parts), rows = Double(tile.blockRows)
        let fragments = Double(tile.keyTiles * (width + values) / 16)
        let steps = width / 16 / tile.slices / tile.phiStages
        let again = Double(steps - min(tile.kept, steps)) / Double(steps)
        let theta = again * rows / 16 * Double(width / 16) * fragment
        let slices = Double(tile.slices), scores = rows * Double(tile.keys)
        // Parts of scores are written and read once, weights written once and read by every slice.
        let exchange =
            slices == 1
            ? 0 : scores * (2 * 4 * (slices - 1) + 2 * Double(arithmetic.parts) * (1 + slices))
        let operations = 2 * scores * Double(width + values)
        return WarpTraffic(
            operations: operations, tensorOperations: operations * (arithmetic == .float32 ? 3 : 1),
            bytes: fragments * fragment * Double(tile.rowWarps + 1) + theta + exchange,
            distantBytes: fragments * fragment)
    }
}
