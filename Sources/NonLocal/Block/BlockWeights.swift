/// The learned numbers of a block, as they stand in files: nothing folded, nothing scaled.
public struct BlockWeights: Sendable {
    /// A 1×1×1 convolution: `y[r] = Σ_c weight[r, c] x[c] + bias[r]` at every position.
    public struct Projection: Sendable {
        /// `[output channels, input channels]`
        public var weight: Tensor<Float>
        /// `[output channels]`, or none.
        public var bias: Tensor<Float>?

        /// A map of `[output channels, input channels]`, with a bias of `[output channels]` or none.
        public init(weight: Tensor<Float>, bias: Tensor<Float>? = nil) {
            self.weight = weight
            self.bias = bias
        }
    }

    /// What follows W_z. Each tensor is `[C]`.
    public enum Norm: Sendable {
        /// Nothing.
        case none
        /// Batch norm at inference: `scale · (v − mean) / √(variance + epsilon) + shift`.
        case batchNorm(
            scale: Tensor<Float>, shift: Tensor<Float>, mean: Tensor<Float>, variance: Tensor<Float>,
            epsilon: Double)
        /// `scale · v + shift`
        case affine(scale: Tensor<Float>, shift: Tensor<Float>)
    }

    /// A group norm on x in front of θ, φ and g (not of the residual), over the positions of one batch
    /// item and the channels of one group: `scale · (x − mean) / √(variance + epsilon) + shift`.
    public struct GroupNorm: Sendable {
        /// The number of groups; it divides C.
        public var groups: Int
        /// `[C]`
        public var scale: Tensor<Float>
        /// `[C]`
        public var shift: Tensor<Float>
        /// ε, which is added to the variance.
        public var epsilon: Double

        /// A norm of `[C]` scales and shifts; 32 groups and ε = 1e-6 are what latent diffusion has.
        public init(groups: Int = 32, scale: Tensor<Float>, shift: Tensor<Float>, epsilon: Double = 1e-6) {
            self.groups = groups
            self.scale = scale
            self.shift = shift
            self.epsilon = epsilon
        }
    }

    /// w_f of the concatenation form.
    public struct PairwiseWeight: Sendable {
        /// `[2d]`, the θ part first.
        public var weight: Tensor<Float>
        /// Most implementations have none.
        public var bias: Float

        /// w_f of `[2d]` entries, the θ part first.
        public init(weight: Tensor<Float>, bias: Float = 0) {
            self.weight = weight
            self.bias = bias
        }
    }

    /// θ, `[d, C]`; none where x itself is compared, as in the Gaussian form.
    public var theta: Projection?
    /// φ, `[d, C]`; none where x itself is compared.
    public var phi: Projection?
    /// g, `[d_v, C]`
    public var g: Projection
    /// W_z, `[C, d_v]`
    public var output: Projection
    /// What follows W_z.
    public var norm: Norm
    /// A group norm in front of θ, φ and g, or none.
    public var groupNorm: GroupNorm?
    /// w_f, for the concatenation form and others with an outer sum.
    public var pairwise: PairwiseWeight?

    /// Weights of a block; whether they go together is checked when the block is made.
    public init(
        theta: Projection? = nil, phi: Projection? = nil, g: Projection, output: Projection,
        norm: Norm = .none, groupNorm: GroupNorm? = nil, pairwise: PairwiseWeight? = nil
    ) {
        self.theta = theta
        self.phi = phi
        self.g = g
        self.output = output
        self.norm = norm
        self.groupNorm = groupNorm
        self.pairwise = pairwise
    }
}
