import NonLocalKernels

/// The warp kernels in every configuration that a plan can choose, for the compile gate (`make ptx`).
public enum WarpListing {
    /// A program as it goes to an NVIDIA device's compiler.
    public struct Entry: Sendable {
        /// Such as `attention-float16-512-512`.
        public let name: String
        /// The OpenCL C, macros included.
        public let text: String
        /// Operations of the formulas for each byte through local memory, and the 10¹² operations a second of an H200
        /// that its local memory, tensor cores and second-level cache allow.
        public let bounds: [Double]
    }

    /// All programs.
    public static var entries: [Entry] {
        WarpTile.Arithmetic.allCases.flatMap { arithmetic in
            WarpTile.table(arithmetic).map { attention($0, arithmetic) } + [product(arithmetic)]
        }
    }

    private static func attention(_ tile: WarpTile, _ arithmetic: WarpTile.Arithmetic) -> Entry {
        let variant = WarpVariant(
            tile, width: tile.width, values: tile.values, arithmetic: arithmetic, usesPTX: true)
        return Entry(
            name: "attention-\(arithmetic.rawValue)-\(tile.width)-\(tile.values)",
            text: text(KernelSource.warpAttentions, variant.macros),
            bounds: variant.traffic.bounds)
    }

    private static func product(_ arithmetic: WarpTile.Arithmetic) -> Entry {
        Entry(
            name: "product-\(arithmetic.rawValue)",
            text: text(KernelSource.warpProducts, WarpProduct.macros(arithmetic, usesPTX: true)),
            bounds: WarpProduct.traffic(arithmetic).bounds)
    }

    private static func text(_ sources: [KernelSource], _ macros: [String: String]) -> String {
        macros.sorted { $0.key < $1.key }.map { "#define \($0) \($1)\n" }.joined()
            + sources.map { "#line 1 \"\($0.fileName)\"\n\($0.text)\n" }.joined()
    }
}
