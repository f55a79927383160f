/// The positions of one batch item: a grid over time, height and width, flattened as (t·H + h)·W + w.
///
/// Sequences are 1×1×L, images 1×H×W.
struct Grid: Sendable, Hashable {
    var t: Int
    var h: Int
    var w: Int

    var count: Int { t * h * w }
    var extents: [Int] { [t, h, w] }
}

/// How the positions of a grid fall into groups that are compared among themselves only: one of all for
/// spacetime, one a frame for space, one a pixel for time.
///
/// Group k of an item holds the flat positions `k · groupStride + n · positionStride` with n < `count`.
struct PositionGroups: Sendable, Hashable {
    /// Groups in one batch item.
    let groups: Int
    let groupStride: Int
    /// Positions in a group.
    let count: Int
    let positionStride: Int

    init(_ grid: Grid, scope: Scope) {
        let frame = grid.h * grid.w
        switch scope {
        case .spacetime: (groups, groupStride, count, positionStride) = (1, 0, grid.count, 1)
        case .space: (groups, groupStride, count, positionStride) = (grid.t, frame, frame, 1)
        case .time: (groups, groupStride, count, positionStride) = (frame, 1, grid.t, frame)
        }
    }

    /// The group that a flat position belongs to, and its index there.
    func place(of position: Int) -> (group: Int, index: Int) {
        if groups == 1 { return (0, position) }
        if positionStride == 1 { return (position / count, position % count) }
        return (position % positionStride, position / positionStride)
    }
}

/// Everything about sizes that follows from a configuration and the shape of x.
struct Geometry: Sendable, Hashable {
    /// The shape of x and z.
    let shape: [Int]
    let batch: Int
    let channels: Int
    /// The positions of x.
    let grid: Grid
    /// The positions of φ and g, after sub-sampling.
    let keyGrid: Grid
    /// What is pooled over, or none.
    let window: Window?
    let layout: Layout
    let queries: PositionGroups
    let keys: PositionGroups

    /// A pooling window in one batch item; `flat` pools the flattened positions.
    enum Window: Sendable, Hashable {
        case grid(t: Int, h: Int, w: Int)
        case flat(Int)
    }

    /// - Throws: ``NonLocalError/Code/shape`` or ``NonLocalError/Code/configuration`` if the two don't go
    ///   together.
    init(_ configuration: NonLocalBlock.Configuration, shape: [Int]) throws(NonLocalError) {
        let channelsAt = configuration.layout == .channelsFirst ? 1 : shape.count - 1
        guard (3...5).contains(shape.count) else {
            throw NonLocalError(
                .shape, "x of shape \(shape) has \(shape.count) dimensions",
                advice: configuration.layout == .channelsFirst
                    ? "x is [B, C, L], [B, C, H, W] or [B, C, T, H, W]."
                    : "Channels-last x is [B, L, C], [B, H, W, C] or [B, T, H, W, C].")
        }
        guard shape.allSatisfy({ $0 > 0 }) else {
            throw NonLocalError(
                .shape, "x of shape \(shape) holds nothing", advice: "Every dimension has to be at least 1.")
        }
        guard shape[channelsAt] == configuration.channels else {
            throw NonLocalError(
                .shape,
                "x of shape \(shape) has \(shape[channelsAt]) channels, the block \(configuration.channels)",
                advice:
                    "x was read as \(configuration.layout.rawValue); the other layout can be chosen (--layout)."
            )
        }
        _ = try elementCount(of: shape)
        var extents = shape
        extents.remove(at: channelsAt)
        extents.removeFirst()
        let rank = extents.count
        extents = Array(repeating: 1, count: 3 - rank) + extents

        self.shape = shape
        batch = shape[0]
        channels = configuration.channels
        layout = configuration.layout
        grid = Grid(t: extents[0], h: extents[1], w: extents[2])
        try SizeLimits.check(
            "x", batch: batch,
            channels: max(channels, configuration.innerChannels, configuration.valueChannels),
            positions: grid.count)
        guard rank == 3 || configuration.scope == .spacetime else {
            throw NonLocalError(
                .configuration,
                "scope \(configuration.scope.rawValue) needs x with a time dimension, not \(shape)",
                advice: "Use scope spacetime, or x of shape [B, C, T, H, W].")
        }
        window = try Self.window(configuration, rank: rank)
        keyGrid = try Self.pooled(grid, by: window)
        queries = PositionGroups(grid, scope: configuration.scope)
        keys = PositionGroups(keyGrid, scope: configuration.scope)
        guard configuration.ownWeight == .include || keys.count > 1 else {
            throw NonLocalError(
                .configuration,
                "own weight \(configuration.ownWeight.rawValue) leaves nothing where x of shape \(shape) has "
                    + "one position to compare with",
                advice: "Include the own weight, or use a larger input or another scope.")
        }
    }

    private static func window(
        _ configuration: NonLocalBlock.Configuration, rank: Int
    ) throws(NonLocalError) -> Window? {
        guard configuration.subsample != .none else { return nil }
        let (t, h, w): (Int, Int, Int)
        switch configuration.pool {
        case .standard:
            switch configuration.scope {
            case .time: (t, h, w) = (2, 1, 1)
            case .spacetime, .space: (t, h, w) = (1, rank == 1 ? 1 : 2, 2)
            }
        case .window(let windowT, let windowH, let windowW): (t, h, w) = (windowT, windowH, windowW)
        case .flat(let size):
            guard size > 0, configuration.scope == .spacetime else {
                throw NonLocalError(
                    .configuration,
                    "a flat pool of \(size) does not go with scope \(configuration.scope.rawValue)",
                    advice: "Flat pooling takes a positive size and scope spacetime.")
            }
            return size == 1 ? nil : .flat(size)
        }
        let fits =
            switch configuration.scope {
            case .spacetime: true
            case .space: t == 1
            case .time: h == 1 && w == 1
            }
        guard t > 0, h > 0, w > 0, fits else {
            throw NonLocalError(
                .configuration,
                "a pool of \(t),\(h),\(w) does not go with scope \(configuration.scope.rawValue)",
                advice: "Scope space pools 1,h,w; scope time pools t,1,1; sizes are positive.")
        }
        return (t, h, w) == (1, 1, 1) ? nil : .grid(t: t, h: h, w: w)
    }

    private static func pooled(_ grid: Grid, by window: Window?) throws(NonLocalError) -> Grid {
        let pooled =
            switch window {
            case nil: grid
            case .flat(let size): Grid(t: 1, h: 1, w: grid.count / size)
            case .grid(let t, let h, let w): Grid(t: grid.t / t, h: grid.h / h, w: grid.w / w)
            }
        guard pooled.count > 0 else {
            throw NonLocalError(
                .configuration,
                "pooling leaves no key position of the \(grid.t)×\(grid.h)×\(grid.w) there are",
                advice: "Use a smaller pool, no sub-sampling, or a larger input.")
        }
        return pooled
    }
}
