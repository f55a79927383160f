import NonLocalKernels

/// The warp kernels in every configuration that a plan can choose, for the compile gate (`make ptx`).
public enum WarpListing {
    /// A program as it goes to an NVIDIA device's compiler.
    public struct Entry: Sendable {
        /// Such as `attention-float16-512-512`.
        public let name: String
        /// The tiling in words; none for products.
        public let tiling: String?
        /// Whether it takes more local memory than every device gives.
        public let takesMore: Bool
        /// The OpenCL C, macros included.
        public let text: String
        /// Operations of the formulas for each byte through local memory, and the 10¹² operations a second of an H200
        /// that its local memory, tensor cores and second-level cache allow.
        public let bounds: [Double]
    }

    /// All programs.
    public static var entries: [Entry] {
        WarpTile.Arithmetic.allCases.flatMap { arithmetic in
            WarpTile.table(arithmetic).flatMap { usual in
                // bfloat16 compiles to the same as float16.
                let tiles = arithmetic == .bfloat16 ? [usual] : WarpTile.candidates(arithmetic, like: usual)
                return tiles.enumerated().map { attention($1, number: $0, arithmetic) }
            } + [product(arithmetic)]
        }
    }

    /// - Parameter number: of those for the same widths.
    private static func attention(
        _ tile: WarpTile, number: Int, _ arithmetic: WarpTile.Arithmetic
    ) -> Entry {
        let variant = WarpVariant(
            tile, width: tile.width, values: tile.values, arithmetic: arithmetic, usesPTX: true)
        return Entry(
            name: "attention-\(arithmetic.rawValue)-\(tile.width)-\(tile.values)"
                + (number > 0 ? "-other\(number)" : ""),
            tiling: tile.name, takesMore: variant.localMemory > WarpTile.usualLocalMemory,
            text: text(KernelSource.warpAttentions, variant.macros),
            bounds: variant.traffic.bounds)
    }

    private static func product(_ arithmetic: WarpTile.Arithmetic) -> Entry {
        Entry(
            name: "product-\(arithmetic.rawValue)", tiling: nil, takesMore: false,
            text: text(KernelSource.warpProducts, WarpProduct.macros(arithmetic, usesPTX: true)),
            bounds: WarpProduct.traffic(arithmetic).bounds)
    }

    private static func text(_ sources: [KernelSource], _ macros: [String: String]) -> String {
        macros.sorted { $0.key < $1.key }.map { "#define \($0) \($1)\n" }.joined()
            + sources.map { "#line 1 \"\($0.fileName)\"\n\($0.text)\n" }.joined()
    }
}
