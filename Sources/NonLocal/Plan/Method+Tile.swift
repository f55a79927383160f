import SwiftOpenCL

extension Method {
    /// The methods of the tile kernels, and the plain one behind them; see
    /// ``candidates(_:_:scale:ownWeight:sizes:device:kernels:reassociation:)``.
    static func tileCandidates(
        _ wanted: Strategy, _ tile: GroupTile, _ formulation: Formulation, isSoftmax: Bool,
        isRectifiedSum: Bool, sizes: PairSizes, precision: Precision, reassociation: Reassociation?
    ) throws(NonLocalError) -> [Method] {
        let stored = isSoftmax ? precision : .float32
        let staged = [Method(strategy: .staged, groupTile: tile, precision: stored), .plain]
        let fused = Method(strategy: .fused, groupTile: tile, precision: precision)
        switch wanted {
        case .staged: return staged
        case .automatic:
            if let reassociation, reassociation.pays {
                return [Method(strategy: .reassociated, groupTile: tile, order: reassociation.order)] + staged
            }
            if isRectifiedSum { return [Method(strategy: .sorted, groupTile: tile)] + staged }
            guard isSoftmax else { return staged }
            return tile.fusingPays(width: sizes.width, valueChannels: sizes.valueChannels, precision)
                ? [fused] + staged : [staged[0], fused, .plain]
        case .fused:
            guard isSoftmax else { throw .onlySoftmaxIsFused }
            return [fused]
        case .reassociated:
            guard let reassociation else { throw .onlyDotProductIsReassociated }
            return [Method(strategy: .reassociated, groupTile: tile, order: reassociation.order)]
        case .sorted:
            guard isRectifiedSum else { throw .onlyConcatenationIsSorted }
            return [Method(strategy: .sorted, groupTile: tile)]
        }
    }
}

/// What a method's choice takes into account of the sizes of a problem.
struct PairSizes: Sendable, Hashable {
    /// d
    var width: Int
    /// d_v
    var valueChannels: Int
}

extension NonLocalError {
    static let onlySoftmaxIsFused = NonLocalError(
        .configuration, "the fused strategy computes a softmax of dot products only",
        advice: "Use strategy automatic or staged.")
    static let onlyConcatenationIsSorted = NonLocalError(
        .configuration, "the sorted strategy computes the concatenation form only",
        advice: "Use strategy automatic or staged.")
    static let onlyDotProductIsReassociated = NonLocalError(
        .configuration, "only the dot-product form with its own weight included can be re-associated",
        advice: "Use strategy automatic or staged.")
}
