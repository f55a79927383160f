import SwiftOpenCL

/// The way a plan computes the operation.
public enum Strategy: String, Sendable, Hashable, CaseIterable {
    /// The plan's choice.
    case automatic
    /// Affinity, normalisation and aggregation one after the other, in row blocks: bounded memory, plain
    /// kernels, attention maps.
    case staged
    /// One pass with online softmax, which never holds the affinities: softmax forms.
    case fused
    /// The concatenation form without its pairs, in O((N + M) log (N + M)): b sorted, running sums over the keys in
    /// that order, and for each a the place that it has among them. On CPU devices both are sorted, and walked once
    /// in `double`.
    case sorted
    /// θᵀ (φ gᵀ) instead of (θᵀ φ) gᵀ, with the maps around it in whichever order takes the fewest operations:
    /// the dot-product form.
    case reassociated
}

/// How the fused strategy's kernels are laid over the work.
enum FusedForm: String, Sendable, Hashable, CaseIterable {
    /// Vector lanes along the queries of a group, one kernel a stage: any work.
    case panels
    /// Lanes along the pixels, each of which is a group of its frames: scope time.
    case time
    /// The whole block in one launch, item by item: small work, whose launches would take longer.
    case block
}

/// What a device computes a workload with.
struct Method: Sendable, Hashable {
    /// Never ``Strategy/automatic``.
    let strategy: Strategy
    /// The tile of the panel kernels, or none where others serve.
    private(set) var tile: PanelTile?
    /// What the warp kernels are to do, or none where others serve.
    var warp: WarpMethod?
    /// The tile of the tile kernels, or none where others serve.
    var groupTile: GroupTile?
    /// What its operands are kept in: what was wanted, or more.
    let precision: Precision
    /// Whether blocks of keys may be left out.
    private(set) var skips = false
    /// The order of the products, of the re-associated strategy alone.
    var order: ProductOrder?
    /// How the kernels are laid over the work, of the fused strategy alone.
    var form = FusedForm.panels
    /// Whether sums are taken of all that is computed.
    private(set) var sums = false
    /// The maps of the queries that are applied to the keys, of the panel kernels' fused strategy alone.
    private(set) var absorbed: AbsorbedMaps = []

    /// The staged strategy on the plain kernels, which can do everything.
    static let plain = Method(strategy: .staged)

    /// The class of its kernels.
    var kernels: KernelClass {
        tile != nil ? .panel : groupTile != nil ? .tile : warp != nil ? .warp : .plain
    }

    /// Queries that a tile of its kernels has.
    func queryTile(_ sizes: PairSizes) -> Int {
        if let warp {
            guard strategy == .fused else { return WarpProduct.blockRows }
            return (try? warp.variant(width: sizes.width, values: sizes.valueChannels))?.tile.blockRows ?? 1
        }
        return tile?.panel ?? groupTile?.block ?? 1
    }

    /// The same, with blocks of keys left out.
    var skipping: Method {
        var method = self
        method.skips = true
        method.tile = tile?.ordered
        return method
    }

    /// The same with sums taken of all that is computed. The kernel for the whole block in one launch gives no chance
    /// to take them between its steps.
    var summing: Method {
        var method = self
        if method.form == .block { method.form = .panels }
        method.sums = true
        method.tile?.sums = method.strategy == .fused && !method.skips && method.form == .panels
        return method
    }

    /// The same with maps of the queries applied to the keys, a kernel a stage; none where there are no maps.
    func absorbing(_ maps: AbsorbedMaps) -> Method? {
        guard !maps.isEmpty else { return nil }
        var method = self
        method.absorbed = maps
        method.form = .panels
        return method
    }

    /// The same for any positions of the same groups: every key computed, one kernel a stage, no sums, and each map
    /// applied where the formulas have it.
    var general: Method {
        var method = unabsorbed
        method.skips = false
        method.form = .panels
        method.sums = false
        method.tile?.sums = false
        return method
    }

    /// The same in a way that holds numbers which this one doesn't, if this is one of those that may not: in bfloat16,
    /// or with each map applied where the formulas have it.
    var roomier: Method? {
        guard absorbed.isEmpty else { return unabsorbed }
        return precision == .mixed ? inBfloat16 : nil
    }

    private var unabsorbed: Method {
        var method = self
        method.absorbed = []
        return method
    }

    private var inBfloat16: Method {
        Method(
            strategy: strategy, groupTile: groupTile, warp: warp?.inBfloat16, order: order,
            precision: .bfloat16)
    }

    /// The name of the form, where a strategy has several.
    var visibleForm: String? { strategy == .fused && tile != nil && !skips ? form.rawValue : nil }

    /// The same with each of the given orders, its own first, if it has one; itself if it has none.
    func orders(_ orders: [ProductOrder]) -> [Method] {
        guard let order else { return [self] }
        return [self]
            + orders.filter { $0 != order }.map { order in
                var method = self
                method.order = order
                return method
            }
    }

    init(
        strategy: Strategy, tile: PanelTile? = nil, groupTile: GroupTile? = nil, warp: WarpMethod? = nil,
        order: ProductOrder? = nil, precision: Precision = .float32
    ) {
        self.strategy = strategy
        self.precision = precision
        self.tile = tile
        self.groupTile = groupTile
        self.warp = warp
        self.order = order
    }

    /// The methods that can compute a formulation by the strategy that is wanted, the fastest first; where
    /// the choice is free, the last one takes the least memory.
    ///
    /// - Parameters:
    ///   - kernels: the kernels to take.
    ///   - precision: what operands may be kept in.
    ///   - reassociation: how the products may be re-associated, if they may.
    /// - Throws: ``NonLocalError/Code/configuration`` if a strategy or a precision is wanted that can't compute this.
    static func candidates(
        _ wanted: Strategy, _ formulation: Formulation, scale: Double, ownWeight: OwnWeight, sizes: PairSizes,
        device: Device, kernels: KernelChoice, precision: Precision = .float32,
        reassociation: Reassociation? = nil
    ) throws(NonLocalError) -> [Method] {
        try precision.allowed(
            all(
                wanted, formulation, scale: scale, ownWeight: ownWeight, sizes: sizes, device: device,
                kernels: kernels, precision: precision, reassociation: reassociation), on: device)
    }

    private static func all(
        _ wanted: Strategy, _ formulation: Formulation, scale: Double, ownWeight: OwnWeight, sizes: PairSizes,
        device: Device, kernels: KernelChoice, precision: Precision, reassociation: Reassociation?
    ) throws(NonLocalError) -> [Method] {
        // A scale of zero has no difference between a score and none, which leaving out relies on.
        let isSoftmax =
            formulation == Pairwise.embeddedGaussian.formulation && (ownWeight == .include || scale != 0)
        let isRectifiedSum =
            formulation == Pairwise.concatenation.formulation && ownWeight == .include && scale == 1
        var tile: PanelTile?
        switch kernels {
        case .tile(let tile):
            return try tileCandidates(
                wanted, tile, formulation, isSoftmax: isSoftmax, isRectifiedSum: isRectifiedSum, sizes: sizes,
                precision: precision, reassociation: reassociation)
        case .warp(let warp, let tile):
            return try warpCandidates(
                wanted, warp, tile, formulation, isSoftmax: isSoftmax, isRectifiedSum: isRectifiedSum,
                ownWeight: ownWeight, sizes: sizes, precision: precision, reassociation: reassociation)
        case .panel(let panel): tile = panel
        case .plain: break
        }
        switch wanted {
        case .staged: return [.plain]
        case .automatic:
            guard let tile else { return [.plain] }
            var methods: [Method] = []
            if isSoftmax { methods.append(Method(strategy: .fused, tile: tile)) }
            if isRectifiedSum, device.supportsDoubles {
                methods.append(Method(strategy: .sorted, tile: tile))
            }
            if let reassociation, reassociation.pays {
                methods.append(Method(strategy: .reassociated, tile: tile, order: reassociation.order))
            }
            return methods + [Method(strategy: .staged, tile: tile), .plain]
        case .fused:
            guard isSoftmax else { throw .onlySoftmaxIsFused }
            guard let tile else {
                throw NonLocalError(
                    .configuration, "the plain kernels, which serve '\(device.name)', know no fused strategy",
                    advice: "Use strategy automatic or staged.")
            }
            return [Method(strategy: .fused, tile: tile)]
        case .sorted:
            guard isRectifiedSum else { throw .onlyConcatenationIsSorted }
            guard device.supportsDoubles, let tile else {
                throw NonLocalError(
                    .configuration,
                    tile == nil
                        ? "the plain kernels, which serve '\(device.name)', know no sorted strategy"
                        : "the panel kernels sort on devices that compute in double only, "
                            + "which '\(device.name)' does not",
                    advice: "Use strategy automatic or staged.")
            }
            return [Method(strategy: .sorted, tile: tile)]
        case .reassociated:
            guard let reassociation else { throw .onlyDotProductIsReassociated }
            guard let tile else {
                throw NonLocalError(
                    .configuration,
                    "the plain kernels, which serve '\(device.name)', know no re-associated strategy",
                    advice: "Use strategy automatic or staged.")
            }
            return [Method(strategy: .reassociated, tile: tile, order: reassociation.order)]
        }
    }

    /// Elements from one position of g and y to the next where the channels of each lie side by side, as the
    /// sorted strategy reads and writes them; none where positions lie side by side.
    func positionStride(channels: Int) -> Int? {
        guard strategy == .sorted else { return nil }
        return tile?.positionStride(channels: channels) ?? (groupTile == nil ? nil : channels)
    }
}
