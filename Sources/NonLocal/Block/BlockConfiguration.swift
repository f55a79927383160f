extension NonLocalBlock {
    /// What a block computes, apart from its weights and the size of its input.
    ///
    /// C is the number of channels of x, d that of θ and φ, d_v that of g.
    public struct Configuration: Sendable, Hashable {
        /// C, the channels of x and z.
        public var channels: Int
        /// d, the channels of θ and φ. The Gaussian form compares all C channels and ignores it.
        public var innerChannels: Int
        /// d_v, the channels of g and y.
        public var valueChannels: Int
        /// f and C(x).
        public var pairwise: Pairwise
        /// Where the max pooling of the key positions stands, if there is one.
        public var subsample: Subsample
        /// What sub-sampling pools over; without effect when ``subsample`` is ``Subsample/none``.
        public var pool: Pool
        /// s, by which the affinity is multiplied.
        public var scale: Scale
        /// Which positions a position is compared with.
        public var scope: Scope
        /// What becomes of a position's own weight.
        public var ownWeight: OwnWeight
        /// The order of x's and z's dimensions.
        public var layout: Layout
        /// Whether x is added: z = W_z y + x. Without it z = W_z y.
        public var residual: Bool

        /// - Parameters:
        ///   - channels: C.
        ///   - innerChannels: d; `max(C / 2, 1)` unless given.
        ///   - valueChannels: d_v; d unless given.
        ///   - pairwise: f and C(x).
        ///   - subsample: where the max pooling of the keys stands.
        ///   - pool: what is pooled over.
        ///   - scale: s, by which the affinity is multiplied.
        ///   - scope: which positions a position is compared with.
        ///   - ownWeight: what becomes of a position's own weight.
        ///   - layout: the order of x's and z's dimensions.
        ///   - residual: whether x is added.
        public init(
            channels: Int, innerChannels: Int? = nil, valueChannels: Int? = nil,
            pairwise: Pairwise = .embeddedGaussian, subsample: Subsample = .none, pool: Pool = .standard,
            scale: Scale = .none, scope: Scope = .spacetime, ownWeight: OwnWeight = .include,
            layout: Layout = .channelsFirst, residual: Bool = true
        ) {
            let inner = innerChannels ?? max(channels / 2, 1)
            self.channels = channels
            self.innerChannels = inner
            self.valueChannels = valueChannels ?? inner
            self.pairwise = pairwise
            self.subsample = subsample
            self.pool = pool
            self.scale = scale
            self.scope = scope
            self.ownWeight = ownWeight
            self.layout = layout
            self.residual = residual
        }
    }
}

/// Where the max pooling that makes M smaller than N stands. Only key positions are pooled, so z keeps
/// the size of x. The two orders give different results with the same weights.
public enum Subsample: String, Sendable, Hashable, CaseIterable {
    /// M = N.
    case none
    /// φ(x) and g(x) are pooled: the paper's words; AlexHex7, mmcv, gluon-cv, Keras.
    case convFirst = "conv-first"
    /// x is pooled, then projected: video-nonlocal-net, SlowFast, pytorchvideo, Caffe2.
    case poolFirst = "pool-first"
}

/// The window of the max pooling; its stride is its size, partial windows are dropped.
public enum Pool: Sendable, Hashable {
    /// 2 in one dimension, 2×2 in two, 1×2×2 in three (time is not pooled).
    case standard
    /// A window over time, height and width.
    case window(t: Int, h: Int, w: Int)
    /// A window over the flattened positions, as the Keras versions have it.
    case flat(Int)
}

/// The number s that the affinity is multiplied by. The paper has none: s = 1.
public enum Scale: Sendable, Hashable {
    /// s = 1
    case none
    /// s = 1/√d, or 1/√C for the Gaussian form.
    case inverseSquareRoot
    /// s as given.
    case factor(Double)

    func value(width: Int) -> Double {
        switch self {
        case .none: 1
        case .inverseSquareRoot: 1 / Double(width).squareRoot()
        case .factor(let factor): factor
        }
    }
}

/// Which positions a position is compared with: the paper's table 2d.
public enum Scope: String, Sendable, Hashable, CaseIterable {
    /// All positions of all frames.
    case spacetime
    /// Each frame by itself.
    case space
    /// Each pixel's own column through time.
    case time
}

/// What becomes of a position's own weight, i = j; only where keys are not sub-sampled.
public enum OwnWeight: String, Sendable, Hashable, CaseIterable {
    /// w_ii as it is.
    case include
    /// w_ii = 0
    case exclude
    /// w_ii = max of w_ij over j ≠ i, as non-local means does.
    case strongest
}

/// The order of a tensor's dimensions.
public enum Layout: String, Sendable, Hashable, CaseIterable {
    /// `[B, C, T, H, W]`
    case channelsFirst = "channels-first"
    /// `[B, T, H, W, C]`
    case channelsLast = "channels-last"
}
