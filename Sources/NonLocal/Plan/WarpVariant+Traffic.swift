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

/// What an H200 does in a second by its data sheet: 132 multiprocessors at 1.755 GHz. Only the proportions matter.
enum DeviceRates {
    /// Bytes through local memory, 128 a clock and multiprocessor.
    static let local = 128 * 132 * 1.755e9
    /// Operations of the tensor cores in float16.
    static let tensor = 989e12
    /// Bytes from the second-level cache.
    static let distant = 5.5e12
    /// Operations that kernels without tensor cores get out of it: half its peak.
    static let float32 = 33e12
}

extension WarpTraffic {
    /// Seconds that it takes where all multiprocessors do the same at once: the least that the slowest part allows,
    /// divided by their number.
    var seconds: Double {
        max(
            bytes / DeviceRates.local, tensorOperations / DeviceRates.tensor,
            distantBytes / DeviceRates.distant)
    }

    /// Operations for each byte of local memory, and 10¹² operations a second that local memory, tensor cores and
    /// second-level cache allow.
    var bounds: [Double] {
        [operations / bytes]
            + [
                operations / bytes * DeviceRates.local, operations / tensorOperations * DeviceRates.tensor,
                operations / distantBytes * DeviceRates.distant,
            ].map { $0 / 1e12 }
    }
}

extension WarpProduct {
    /// Of a work-group, for 16 terms.
    static func traffic(_ arithmetic: WarpTile.Arithmetic) -> WarpTraffic {
        let fragment = Double(512 * arithmetic.parts), operations = 2 * 128 * 128 * 16.0
        // 8 tiles of rows and 8 of columns are written; each of 8 warps reads 4 and 2.
        return WarpTraffic(
            operations: operations, tensorOperations: operations * (arithmetic == .float32 ? 3 : 1),
            bytes: (16 + 8 * 6) * fragment, distantBytes: 16 * fragment)
    }
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
