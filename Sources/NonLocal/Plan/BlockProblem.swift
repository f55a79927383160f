/// A block's work in sizes: all that a plan is made from besides the device.
struct BlockProblem: Sendable, Hashable {
    let configuration: NonLocalBlock.Configuration
    let geometry: Geometry
    /// Whether θ and φ are projections of x, and not x itself.
    let projectsAffinity: Bool
    /// The groups of the group norm in front, 0 without.
    let normGroups: Int
    let isIdentity: Bool
    /// Query positions of each item whose z is wanted: N, or fewer.
    let rows: Int
    /// Whether the queries are chosen ones, and have to be gathered.
    let isSubset: Bool

    init(
        _ configuration: NonLocalBlock.Configuration, _ geometry: Geometry, _ weights: FoldedWeights,
        queries: Int? = nil
    ) {
        self.configuration = configuration
        self.geometry = geometry
        projectsAffinity = weights.theta != nil
        normGroups = weights.groupNorm?.groups ?? 0
        isIdentity = weights.isIdentity
        rows = queries ?? geometry.grid.count
        isSubset = queries != nil
    }

    /// Channels of θ and φ: d, or C where x itself is compared.
    var width: Int { projectsAffinity ? configuration.innerChannels : geometry.channels }
    var score: Pairwise.Score { configuration.pairwise.formulation.score }
    var keyPositions: Int { geometry.keyGrid.count }
    /// Positions at which φ and g are projected.
    var projectedPositions: Int {
        configuration.subsample == .poolFirst ? keyPositions : geometry.grid.count
    }

    /// Elements of each buffer for one batch item, apart from the affinities.
    ///
    /// - Parameter sharesHostMemory: whether the device works on x and z where they are.
    func elementsPerItem(sharesHostMemory: Bool) -> [BufferRole: Int] {
        let (channels, positions) = (geometry.channels, geometry.grid.count)
        let poolsInput = configuration.subsample == .poolFirst && geometry.window != nil
        let poolsProjections = configuration.subsample == .convFirst && geometry.window != nil
        let elements: [BufferRole: Int] = [
            .input: sharesHostMemory ? 0 : channels * positions,
            .output: sharesHostMemory ? 0 : channels * rows,
            .moments: 2 * normGroups,
            .normalized: normGroups > 0 ? channels * positions : 0,
            .pooledInput: poolsInput ? channels * keyPositions : 0,
            .gatheredInput: isSubset ? channels * rows : 0,
            .gatheredNormalized: isSubset && normGroups > 0 ? channels * rows : 0,
            .theta: projectsAffinity ? width * rows : 0,
            .phi: projectsAffinity ? width * projectedPositions : 0,
            .g: configuration.valueChannels * projectedPositions,
            .pooledPhi: poolsProjections ? width * keyPositions : 0,
            .pooledG: poolsProjections ? configuration.valueChannels * keyPositions : 0,
            .thetaScores: score == .outerSum ? rows : 0,
            .phiScores: score == .outerSum ? keyPositions : 0,
            .aggregate: configuration.valueChannels * rows,
        ]
        return elements.filter { $0.value > 0 }
    }

    /// Elements of all weights.
    var weightElements: Int {
        let (channels, values) = (geometry.channels, configuration.valueChannels)
        let affinity = projectsAffinity ? 2 * width * (channels + 1) : 0
        let pair = score == .outerSum ? 2 * width + 2 : 0
        return affinity + pair + values * (channels + 1) + channels * (values + 1)
            + (normGroups > 0 ? 2 * channels : 0)
    }

    /// What the staged strategy has to find room for.
    func stagedWork(sharesHostMemory: Bool) -> StagedWork {
        StagedWork(
            batch: geometry.batch, groups: isSubset ? 1 : geometry.queries.groups,
            rows: isSubset ? rows : geometry.queries.count, keys: geometry.keys.count,
            elementsPerItem: elementsPerItem(sharesHostMemory: sharesHostMemory),
            weightElements: weightElements)
    }
}
