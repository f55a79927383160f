/// What a buffer in device memory holds, `[items of a slice, channels, positions]`.
enum BufferRole: String, Sendable, Hashable, CaseIterable {
    /// x, where the device can't work in host memory.
    case input
    /// z, where the device can't work in host memory.
    case output
    /// Mean and 1/σ of each group of the group norm.
    case moments
    /// x after the group norm.
    case normalized
    /// x after sub-sampling, pool first.
    case pooledInput = "pooled input"
    /// x at the chosen queries.
    case gatheredInput = "gathered input"
    /// x after the group norm at the chosen queries.
    case gatheredNormalized = "gathered normalized"
    case theta
    case phi
    case g
    /// φ after sub-sampling, convolutions first.
    case pooledPhi = "pooled phi"
    /// g after sub-sampling, convolutions first.
    case pooledG = "pooled g"
    /// a of the outer sum.
    case thetaScores = "theta scores"
    /// b of the outer sum.
    case phiScores = "phi scores"
    /// b_θᵀ φ of each key, where W_θ is applied to the keys.
    case scoreBias = "score bias"
    /// y
    case aggregate
    /// a and b of the outer sum, sorted, each with its position; b alone for the tile kernels.
    case sorted
    /// Sums over the sorted keys up to each of them, and those of parts of the keys.
    case runningSums = "running sums"
    case partSums = "part sums"
    /// g with its channels side by side.
    case transposedG = "transposed g"
    /// y with its channels side by side.
    case transposedAggregate = "transposed aggregate"
    /// The affinities of a row block.
    case affinity
    /// The weights of a row block, packed for the warp kernels, or in 16 bits for the tile kernels.
    case packedAffinity = "packed affinity"
    /// θ of all groups, likewise.
    case packedTheta = "packed theta"
    /// What x is scaled for while it is projected, then θ, φ, g and the weights, then y.
    case limits
    /// Whether numbers did not fit the method; an integer.
    case misfits
    /// φ of all groups, packed for the panel or the warp kernels, or in 16 bits for the tile kernels.
    case packedPhi = "packed phi"
    /// g of all groups, likewise.
    case packedG = "packed g"
    /// The order of a group's keys, and of its queries where that is another, for skipping; integers.
    case keyOrder = "key order"
    case queryOrder = "query order"
    /// θ, φ, g and y in these orders.
    case orderedTheta = "ordered theta"
    case orderedPhi = "ordered phi"
    case orderedG = "ordered g"
    case orderedAggregate = "ordered aggregate"
    /// Boxes around the keys of each block.
    case boxes
    /// How many blocks of keys each panel of queries took; integers.
    case computedBlocks = "computed blocks"
    /// μ, which the positions are taken from in their Gram matrix; to the tile kernels, between two sums of theirs.
    case centre
    /// The positions without μ.
    case centred
    /// The Gram matrix of the positions, with their sum and μ; without these to the tile kernels.
    case gram
    /// W_g times the Gram matrix.
    case valueGram = "value gram"
    /// Sums and means of g and of φ, and what these add to K.
    case valueMeans = "value means"
    case keyMeans = "key means"
    case meanProduct = "mean product"
    /// K = (s/M) g φᵀ
    case keyProduct = "key product"
    /// A = W_z K
    case outputProduct = "output product"
    /// B = A W_θ
    case wholeProduct = "whole product"
    /// A b_θ + b_z
    case wholeBias = "whole bias"
    /// The matrix that is applied to the queries, packed for the panel kernels.
    case packedProduct = "packed product"
    /// What the panel kernels' work-items keep for themselves; x or y, packed to be projected, to others.
    case scratch
    /// What work-items that share the keys of a query leave to be merged.
    case shares
    /// Sums over channels or keys at each query, at each position that φ and g are projected at, and at each key.
    case querySums = "query sums"
    case projectedSums = "projected sums"
    case keySums = "key sums"
    /// v, Σ_j φ, ones and Σ_j φ² of each group, φ as attention takes it.
    case channelSums = "channel sums"
}
