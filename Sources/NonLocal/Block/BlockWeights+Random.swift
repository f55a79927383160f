extension BlockWeights {
    /// Weights as a block has them before training (section 4.1 of the paper): He initialisation, that is
    /// a normal distribution of deviation √(2 / input channels), biases of zero, and a batch norm after
    /// W_z whose scale is zero, so that z is x.
    ///
    /// The same seed gives the same weights, everywhere but for the last bit of the system's logarithm.
    ///
    /// - Parameters:
    ///   - configuration: the channels, and whether θ, φ and w_f are needed.
    ///   - seed: which weights.
    ///   - zeroInitialized: whether the block starts as the identity. Otherwise the scale of the batch norm
    ///     is one, and the block does something: for tests and benchmarks.
    ///   - batchNorm: whether there is one. If not, W_z itself is zero in a block that is the identity.
    /// - Throws: ``NonLocalError/Code/shape`` if the configuration's channels are negative or too many;
    ///   ``NonLocalError/Code/memory``.
    public static func random(
        for configuration: NonLocalBlock.Configuration, seed: UInt64, zeroInitialized: Bool = true,
        batchNorm: Bool = true
    ) throws -> BlockWeights {
        var generator = SplitMix64(seed: seed)
        func projection(_ rows: Int, _ columns: Int) throws -> Projection {
            Projection(
                weight: try .normal(
                    shape: [rows, columns], deviation: heDeviation(fanIn: columns), using: &generator),
                bias: try Tensor(repeating: 0, shape: [rows]))
        }
        let (channels, inner) = (configuration.channels, configuration.innerChannels)
        let comparesInput = configuration.pairwise == .gaussian
        var weights = BlockWeights(
            theta: comparesInput ? nil : try projection(inner, channels),
            phi: comparesInput ? nil : try projection(inner, channels),
            g: try projection(configuration.valueChannels, channels),
            output: try projection(channels, configuration.valueChannels))
        if configuration.pairwise.formulation.score == .outerSum {
            let (entries, overflow) = inner.multipliedReportingOverflow(by: 2)
            weights.pairwise = PairwiseWeight(
                weight: try .normal(
                    shape: [overflow ? -1 : entries], deviation: heDeviation(fanIn: entries),
                    using: &generator))
        }
        if batchNorm {
            weights.norm = .batchNorm(
                scale: try Tensor(repeating: zeroInitialized ? 0 : 1, shape: [channels]),
                shift: try Tensor(repeating: 0, shape: [channels]),
                mean: try Tensor(repeating: 0, shape: [channels]),
                variance: try Tensor(repeating: 1, shape: [channels]),
                epsilon: 1e-5)
        } else if zeroInitialized {
            weights.output.weight = try Tensor(repeating: 0, shape: weights.output.weight.shape)
        }
        return weights
    }

    /// He et al., "Delving Deep into Rectifiers", ICCV 2015.
    private static func heDeviation(fanIn: Int) -> Double { (2 / Double(max(fanIn, 1))).squareRoot() }
}
