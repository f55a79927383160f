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

    /// Projections of the same tensor, which the panel kernels do in one launch.
    var projectionGroups: [[BufferRole]] {
        guard projectsAffinity else { return [[.g]] }
        let sharesInput = !isSubset && (configuration.subsample != .poolFirst || geometry.window == nil)
        return sharesInput ? [[.theta, .phi, .g]] : [[.theta], [.phi, .g]]
    }

    /// Channels and positions of a projection.
    private func size(of role: BufferRole) -> (channels: Int, positions: Int) {
        switch role {
        case .theta: (width, rows)
        case .phi: (width, projectedPositions)
        default: (configuration.valueChannels, projectedPositions)
        }
    }

    /// What a schedule has to find room for.
    ///
    /// - Parameter sharesHostMemory: whether the device works on x and z where they are.
    func workload(_ method: Method, sharesHostMemory: Bool) -> Workload {
        let groups = isSubset ? 1 : geometry.queries.groups
        let rowsOfGroup = isSubset ? rows : geometry.queries.count
        if let order = method.order, let tile = method.tile {
            return Workload(
                method: method, batch: geometry.batch, groups: groups, rows: rowsOfGroup,
                keys: geometry.keys.count,
                elementsPerItem: elementsPerItem(order, tile, sharesHostMemory: sharesHostMemory),
                weightElements: weightElements(order, tile),
                scratchOfLaunch: { scratch(order, tile, items: $0) },
                sharesOfLaunch: { gramBlocks(order, tile, items: $0).shared })
        }
        var elements = elementsPerItem(sharesHostMemory: sharesHostMemory)
        if let tile = method.tile, method.strategy == .fused {
            elements[.packedPhi] = groups * tile.packed(geometry.keys.count, width)
            elements[.packedG] = groups * tile.packed(configuration.valueChannels, geometry.keys.count)
        }
        let attention: @Sendable (Int) -> PanelTile.AttentionBlocks? = { items in
            guard let tile = method.tile, method.strategy == .fused else { return nil }
            return tile.attentionBlocks(
                width: width, valueChannels: configuration.valueChannels, rows: rowsOfGroup,
                keys: geometry.keys.count, groups: items * groups, ownWeight: configuration.ownWeight)
        }
        return Workload(
            method: method, batch: geometry.batch, groups: groups, rows: rowsOfGroup,
            keys: geometry.keys.count,
            elementsPerItem: elements, weightElements: weightElements(method.tile),
            scratchOfLaunch: { items in
                max(projectionScratch(method.tile, items: items), attention(items)?.scratch ?? 0)
            },
            sharesOfLaunch: { attention($0)?.shared ?? 0 })
    }

    /// Elements of scratch memory that the largest of the projections takes.
    private func projectionScratch(_ tile: PanelTile?, items: Int) -> Int {
        guard let tile else { return 0 }
        func scratch(_ inputs: Int, _ outputs: Int, _ positions: Int) -> Int {
            tile.projectionBlocks(inputs: inputs, outputs: outputs, positions: positions, items: items)
                .scratch
        }
        var launches = projectionGroups.map { group in
            scratch(
                geometry.channels, group.reduce(0) { $0 + size(of: $1).channels },
                size(of: group[0]).positions)
        }
        launches.append(scratch(configuration.valueChannels, geometry.channels, rows))
        if score == .outerSum { launches += [scratch(width, 1, rows), scratch(width, 1, keyPositions)] }
        return launches.max() ?? 0
    }

    /// Elements of each buffer for one batch item that the formulas name.
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

    /// Elements of all weights, packed for a tile or as they are.
    private func weightElements(_ tile: PanelTile?) -> Int {
        let (channels, values) = (geometry.channels, configuration.valueChannels)
        func map(_ outputs: Int, _ inputs: Int) -> Int {
            (tile?.packed(outputs, inputs) ?? outputs * inputs) + outputs
        }
        let inputs = projectionGroups.reduce(0) { sum, group in
            sum + map(group.reduce(0) { $0 + size(of: $1).channels }, channels)
        }
        let pair = score == .outerSum ? 2 * map(1, width) : 0
        return inputs + pair + map(channels, values) + (normGroups > 0 ? 2 * channels : 0)
    }
}
