extension Method {
    /// The methods of the warp kernels, which know softmax forms alone, and those of the tile kernels behind them; see ``candidates(_:_:scale:ownWeight:sizes:device:kernels:reassociation:)``.
    ///
    /// - Parameter tile: of the tile kernels, if the device can run them.
    static func warpCandidates(
        _ wanted: Strategy, _ warp: WarpMethod, _ tile: GroupTile?, _ formulation: Formulation,
        isSoftmax: Bool, isRectifiedSum: Bool, ownWeight: OwnWeight, sizes: PairSizes, precision: Precision,
        reassociation: Reassociation?
    ) throws(NonLocalError) -> [Method] {
        var methods: [Method] = []
        if isSoftmax, ownWeight == .include, sizes.width <= WarpTile.widest,
            wanted == .automatic || wanted == .fused
        {
            methods.append(Method(strategy: .fused, warp: warp, precision: precision))
        }
        if wanted == .fused, !methods.isEmpty { return methods }
        if isSoftmax, wanted == .automatic || wanted == .staged,
            ownWeight == .include || wanted == .staged || warp.stagingPaysBesideTiles(sizes)
        {
            let staged = Method(strategy: .staged, warp: warp, precision: precision)
            methods.insert(staged, at: warp.fusingPays(sizes) ? methods.count : 0)
        }
        guard let tile else {
            guard wanted == .automatic || wanted == .staged else {
                throw NonLocalError(
                    .configuration, "the warp kernels compute a softmax of dot products only",
                    advice: "Use strategy automatic or staged.")
            }
            return methods + [.plain]
        }
        return try methods
            + tileCandidates(
                wanted, tile, formulation, isSoftmax: isSoftmax, isRectifiedSum: isRectifiedSum, sizes: sizes,
                precision: precision, reassociation: reassociation)
    }
}
