/// A block's work in sizes: all that a plan is made from besides the device.
struct BlockProblem: Sendable, Hashable {
    let configuration: NonLocalBlock.Configuration
    let geometry: Geometry
    /// Whether θ and φ are projections of x, and not x itself.
    let projectsAffinity: Bool
    /// Channels of θ and φ: d, or C where x itself is compared, or 1 where w_f is folded into them.
    let thetaWidth: Int
    let width: Int
    /// Whether a and b of an outer sum are still to be had from θ and φ.
    let scoresTheta: Bool
    let scoresPhi: Bool
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
        thetaWidth = weights.theta?.outputs ?? geometry.channels
        width = weights.phi?.outputs ?? geometry.channels
        scoresTheta = weights.scoreTheta != nil
        scoresPhi = weights.scorePhi != nil
        normGroups = weights.groupNorm?.groups ?? 0
        isIdentity = weights.isIdentity
        rows = queries ?? geometry.grid.count
        isSubset = queries != nil
    }

    var score: Pairwise.Score { configuration.pairwise.formulation.score }
    var keyPositions: Int { geometry.keyGrid.count }
    /// Positions at which φ and g are projected.
    var projectedPositions: Int {
        configuration.subsample == .poolFirst ? keyPositions : geometry.grid.count
    }

    /// Whether φ and g are pooled, and not x before them.
    var poolsProjections: Bool { configuration.subsample == .convFirst && geometry.window != nil }

    /// Projections of the same tensor, which the panel kernels do in one launch.
    var projectionGroups: [[BufferRole]] {
        guard projectsAffinity else { return [[.g]] }
        let sharesInput = !isSubset && (configuration.subsample != .poolFirst || geometry.window == nil)
        return sharesInput ? [[.theta, .phi, .g]] : [[.theta], [.phi, .g]]
    }

    /// The projections of positions that a method needs.
    func projectionGroups(_ method: Method) -> [[BufferRole]] {
        guard method.absorbed.contains(.theta) else { return projectionGroups(method.order) }
        return projectionGroups.map { $0.filter { $0 != .theta } }.filter { !$0.isEmpty }
    }

    /// Channels and positions of a projection.
    func size(of role: BufferRole) -> (channels: Int, positions: Int) {
        switch role {
        case .theta: (thetaWidth, rows)
        case .phi: (width, projectedPositions)
        default: (configuration.valueChannels, projectedPositions)
        }
    }
}
