/// How much of an accelerated result is compared with the reference.
public enum Validation: Sendable, Hashable {
    /// None of it.
    case off
    /// In every `every`-th call, `rows` query positions in all: the first, the last and random ones of a few
    /// batch items, and of others with the next call. Another seed makes the random ones others.
    ///
    /// On a device with memory of its own, which computes far faster than the reference, a call is looked at if it is a
    /// block's first one or the last check has come to less than a twentieth of the work since. ``ValidationReport/rows``
    /// says what was looked at, 0 if nothing was.
    case sampled(rows: Int, every: Int = 1, seed: UInt64 = 0)
    /// Every position.
    case full
}

/// What becomes of a result that validation found wrong.
public enum MismatchPolicy: String, Sendable, Hashable, CaseIterable {
    /// The run throws ``NonLocalError/Code/mismatch``.
    case fail
    /// The device computes it once more, for what was an accident; a second mismatch is thrown.
    case retry
    /// The CPU reference computes it, however long that takes.
    case recompute
}

/// The first place where a result is not what it should be.
public struct Mismatch: Sendable, Equatable {
    /// What was compared.
    public enum Stage: String, Sendable, Hashable, CaseIterable {
        /// z, or y of the bare operation, or an attention map.
        case result
        /// φ as it was pooled behind its projection.
        case pooledPhi
        /// g as it was pooled behind its projection.
        case pooledG
        /// Σ_c v_c θ_c, φ_c or g_c of a position, v_c = ±1, against what x and the weights give.
        case thetaSum
        case phiSum
        case gSum
        /// Σ_c v_c (W_θᵀ φ)_c of a key or b_θᵀ φ, where W_θ is applied to the keys, against what φ gives.
        case absorbedThetaSum
        /// Σ_c v_c (W_z g + b_z)_c of a key, where W_z is applied to the keys, against what g gives.
        case absorbedOutputSum
        /// Σ_j s_ij of a query against θ_iᵀ Σ_j φ_j, or x_iᵀ Σ_j W_θᵀ φ_j + Σ_j b_θᵀ φ_j.
        case affinitySum
        /// What a query's weights are divided by, or are after that, against their sum.
        case weightSum
        /// Σ_c v_c y_c of a query against what the weights and g's sums give.
        case aggregateSum
        /// Σ_c v_c z_c of a query against what y and x give, or the weights, W_z g and x.
        case resultSum

        /// Whether it is a sum over all of a row.
        public var isSum: Bool { ![.result, .pooledPhi, .pooledG].contains(self) }
    }

    /// What is wrong.
    public var stage = Stage.result
    /// The batch item.
    public var item: Int
    /// The flat query position, (t·H + h)·W + w; of φ, g and what is made of them the flat position of the key.
    public var row: Int
    /// The channel of z, φ or g; of an attention map the key; 0 of a sum.
    public var channel: Int
    /// By the reference, or by other sums.
    public var expected: Double
    /// By the backend under test.
    public var actual: Double
    /// |actual − expected| relative to the largest |z − x|; of φ and g to Σ_c |w_c x_c| of the worst position; of a
    /// sum, whose tolerance is its own, as it is.
    public var relativeError: Double
    /// The largest relative error that would have passed.
    public var tolerance: Double
}

/// What validation looked at and found.
public struct ValidationReport: Sendable, Equatable {
    /// Query positions compared, over all batch items.
    public var rows: Int
    /// Query positions there are, over all batch items.
    public var rowsInAll: Int
    /// Numbers of φ and g compared, where they are pooled behind their projections: rows are then checked against
    /// φ and g as the device has them, and these against x.
    public var entries = 0
    /// Sums over all of a row that were compared with each other.
    public var sums = 0
    /// The largest difference of two sums that have to agree, relative to its tolerance; none if none were compared.
    public var maxSumError: Double?
    /// The largest |z − reference|; none if nothing was compared.
    public var maxAbsoluteError: Double?
    /// The same relative to the largest |z − x|; none where z is x or nothing was compared.
    public var maxRelativeError: Double?
    /// The largest relative error that passes; none if nothing was compared.
    public var tolerance: Double?
    /// Seconds that the comparison took.
    public internal(set) var seconds = 0.0
}
