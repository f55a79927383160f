/// What a block costs by the formulas, from its configuration and the shape of x alone.
///
///     let cost = try BlockCost(of: .init(channels: 1024, subsample: .poolFirst), shape: [1, 1024, 4, 14, 14])
///     print(cost.multiplyAdds / 1e9)          // 1.185
///
/// With C channels of x, d of θ and φ, d_v of g, N query and M key positions, an embedded Gaussian whose x is
/// pooled first takes N·C·d + M·C·(d + d_v) + N·M·(d + d_v) + N·C·d_v multiply-adds for each batch item. Norms,
/// pools and the normaliser are not counted, as is the custom. What a device really does may be less: see
/// ``Plan/executedOperations``.
public struct BlockCost: Sendable, Hashable {
    /// One product of the formulas.
    public struct Step: Sendable, Hashable {
        /// Such as `projection θ` or `affinity`.
        public let name: String
        /// Over the whole batch.
        public let multiplyAdds: Double
    }

    /// B, the batch items of x.
    public let batch: Int
    /// N, the query positions of a group: all of an item's unless the scope says otherwise.
    public let queries: Int
    /// M, the key positions that each is compared with.
    public let keys: Int
    /// Learned numbers: weights, biases and the norms' scales and shifts.
    public let parameters: Int
    /// The products, in order.
    public let steps: [Step]
    /// Bytes of x and z, in float32.
    public let inputAndOutputBytes: Double
    /// Bytes of θ, φ, g and y, and of what is pooled or normalised on the way, in float32.
    public let intermediateBytes: Double
    /// Bytes of all N × M affinities in float32. An implementation that writes the formulas down holds them;
    /// this one never does.
    public let affinityBytes: Double
    /// Bytes of all pairs [θ_i; φ_j] in float32, which most implementations of the concatenation form hold;
    /// zero for the other forms.
    public let pairBytes: Double

    /// Over the whole batch.
    public var multiplyAdds: Double { steps.reduce(0) { $0 + $1.multiplyAdds } }
    /// Floating-point operations over the whole batch, a multiply-add counting two.
    public var operations: Double { 2 * multiplyAdds }
    /// Bytes of ``parameters`` in float32.
    public var parameterBytes: Double { 4 * Double(parameters) }

    /// Counts what a block costs.
    ///
    /// - Parameters:
    ///   - configuration: what the block computes.
    ///   - shape: of x, in the configuration's layout.
    ///   - biases: whether θ, φ, g and W_z have biases.
    ///   - norm: whether a norm with a scale and a shift for each channel follows W_z.
    ///   - groupNorm: whether a group norm stands in front.
    /// - Throws: ``NonLocalError/Code/configuration`` if the configuration contradicts itself or the shape,
    ///   ``NonLocalError/Code/shape`` if the shape is none of x.
    public init(
        of configuration: NonLocalBlock.Configuration, shape: [Int], biases: Bool = true, norm: Bool = true,
        groupNorm: Bool = false
    ) throws(NonLocalError) {
        try configuration.validate()
        let geometry = try Geometry(configuration, shape: shape)
        try SizeLimits.check(
            "a weight", batch: 1, channels: max(configuration.innerChannels, configuration.valueChannels),
            positions: configuration.channels)
        let problem = BlockProblem(configuration, geometry, normGroups: groupNorm ? 1 : 0)
        batch = geometry.batch
        queries = geometry.queries.count
        keys = geometry.keys.count
        steps = problem.steps.filter(\.isProduct).map {
            Step(name: $0.name, multiplyAdds: $0.cost.operations / 2)
        }
        parameters = configuration.parameters(biases: biases, norm: norm, groupNorm: groupNorm)

        let size = Double(MemoryLayout<Float>.stride)
        let items = Double(geometry.batch)
        let pairs = items * Double(geometry.queries.groups) * Double(queries) * Double(keys)
        inputAndOutputBytes = 2 * size * shape.reduce(1) { $0 * Double($1) }
        let elements = problem.elementsPerItem(.plain, sharesHostMemory: true).values.reduce(0, +)
        intermediateBytes = size * items * Double(elements)
        affinityBytes = size * pairs
        pairBytes = problem.score == .outerSum ? size * pairs * 2 * Double(configuration.innerChannels) : 0
    }
}

extension BlockProblem {
    /// The problem of a block with all the weights that its configuration has a place for.
    init(_ configuration: NonLocalBlock.Configuration, _ geometry: Geometry, normGroups: Int) {
        let comparesInput = configuration.pairwise == .gaussian
        let isOuterSum = configuration.pairwise.formulation.score == .outerSum
        self.configuration = configuration
        self.geometry = geometry
        projectsAffinity = !comparesInput
        thetaWidth = comparesInput ? geometry.channels : configuration.innerChannels
        width = thetaWidth
        scoresTheta = isOuterSum
        scoresPhi = isOuterSum
        self.normGroups = normGroups
        isIdentity = false
        rows = geometry.grid.count
        isSubset = false
    }
}

extension NonLocalBlock.Configuration {
    /// Learned numbers of a block: (d + d + d_v)·C + C·d_v, biases, w_f and the norms.
    fileprivate func parameters(biases: Bool, norm: Bool, groupNorm: Bool) -> Int {
        func projection(_ outputs: Int, _ inputs: Int) -> Int { outputs * inputs + (biases ? outputs : 0) }
        var count = projection(valueChannels, channels) + projection(channels, valueChannels)
        if pairwise != .gaussian { count += 2 * projection(innerChannels, channels) }
        if pairwise.formulation.score == .outerSum { count += 2 * innerChannels }
        return count + (norm ? 2 * channels : 0) + (groupNorm ? 2 * channels : 0)
    }
}
