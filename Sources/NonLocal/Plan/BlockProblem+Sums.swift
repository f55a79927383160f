extension BlockProblem {
    /// Whether z is a projection of y.
    func computesOutput(_ method: Method) -> Bool { method.order == nil }

    /// Whether attention gives out its own sums.
    func sumsAttention(_ method: Method) -> Bool {
        guard method.sums, method.warp == nil else { return false }
        return switch method.strategy {
        case .staged: true
        case .fused: method.tile?.sums == true || method.groupTile != nil
        default: false
        }
    }

    /// Whether the sums of scores are known from θ and φ: they are products, and all of them are computed.
    func sumsScores(_ method: Method) -> Bool {
        sumsAttention(method) && score == .dotProduct
            && (method.strategy == .staged || configuration.ownWeight == .include)
    }

    /// Whether φ or g is summed as it was projected, since something else is made of it then.
    func sumsWhole(_ projection: Summed, _ method: Method) -> Bool {
        poolsProjections || ![method.compared, method.aggregated].contains(projection)
    }

    /// Whether the residual is what attention compares, of which there are sums anyway.
    func comparesResidual(_ method: Method) -> Bool {
        method.absorbed.contains(.theta) && normGroups == 0 && sumsScores(method)
    }
}
