extension BlockProblem {
    /// Absorbing has to save a share of the operations that it replaces: its products are a little slower.
    private static let leastSaving = 0.1

    /// The maps that a method can absorb: the panel kernels take any width of θ and g, with lanes along the queries.
    func absorbableMaps(_ method: Method) -> AbsorbedMaps {
        guard method.tile != nil, method.strategy == .fused, !method.skips, configuration.scope != .time
        else { return [] }
        return projectsAffinity ? .all : [.output]
    }

    /// Those of them that save operations; none where one launch does it all, for its sake.
    func mapsWorthAbsorbing(_ method: Method) -> AbsorbedMaps {
        guard method.form != .block else { return [] }
        let wanted = [(AbsorbedMaps.theta, thetaWidth), (.output, configuration.valueChannels)]
            .filter { saving(width: $0.1) > Self.leastSaving }
        return absorbableMaps(method).intersection(AbsorbedMaps(wanted.map(\.0)))
    }

    /// The share of a map's operations, and of those of the pairs that it belongs to, which absorbing it saves.
    private func saving(width: Int) -> Double {
        let (inner, channels) = (Double(width), Double(geometry.channels))
        let (queries, keys) = (Double(rows), Double(keyPositions))
        let pairs = queries * Double(geometry.keys.count)
        return 1 - (keys * channels * inner + pairs * channels) / (queries * channels * inner + pairs * inner)
    }

    /// Channels of what a method's attention compares and of what it sums.
    func attentionSizes(_ method: Method) -> PairSizes {
        PairSizes(
            width: method.absorbed.contains(.theta) ? geometry.channels : width,
            valueChannels: method.absorbed.contains(.output) ? geometry.channels : configuration.valueChannels
        )
    }
}
