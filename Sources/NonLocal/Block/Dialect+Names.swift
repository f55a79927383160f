/// The names that one dialect gives to the weights of a block, and what its blocks imply.
struct DialectNames: Sendable {
    /// Where a convolution stands. In some dialects pooling wraps it and changes its name.
    struct Stem: Sendable, ExpressibleByStringLiteral {
        var name: String
        /// Whether the name says that the projection is followed by pooling.
        var pooled = false

        init(stringLiteral name: String) { self.name = name }
        static func pooled(_ name: String) -> Stem {
            var stem = Stem(stringLiteral: name)
            stem.pooled = true
            return stem
        }
    }

    /// The four tensors of a batch norm, appended to its stem.
    struct BatchNorm: Sendable {
        var stem: String
        var scale = ".weight"
        var shift = ".bias"
        var mean = ".running_mean"
        var variance = ".running_var"
        var epsilon = 1e-5
    }

    let dialect: Dialect
    /// What stands between a prefix and the names.
    var separator = "."
    /// Appended to the stem of a projection.
    var weight = ".weight"
    var bias = ".bias"
    var theta: Stem
    /// Alternatives, of which a file has one.
    var phi: [Stem]
    var g: [Stem]
    var output: [Stem]
    var batchNorm: BatchNorm?
    var pairwise: [Stem] = []
    /// The norm in front of θ, φ and g; where a dialect has it, its blocks always do.
    var groupNorm: String?
    /// Whether matrices are stored `[input channels, output channels]`.
    var transposed = false
    /// Where the pooling stands if there is any.
    var subsample = Subsample.none
    /// Whether a file without ``Stem/pooled`` names is of a block that pools.
    var poolsSilently = false
    var pool = Pool.standard
    /// For the embedded Gaussian form.
    var scale = Scale.none
    var layout = Layout.channelsFirst
}

extension DialectNames {
    /// All dialects. Where two fit a file equally well, the first is taken.
    static let all: [DialectNames] = [
        alexHex7, mmcv, slowFast, pytorchvideo, caffe2, keras, latentDiffusion, diffusers, oldDiffusers,
    ]

    static let alexHex7 = DialectNames(
        dialect: .alexHex7,
        theta: "theta", phi: [.pooled("phi.0"), "phi"], g: [.pooled("g.0"), "g"], output: ["W.0", "W"],
        batchNorm: BatchNorm(stem: "W.1"), pairwise: ["concat_project.0", "W_f.0"],
        subsample: .convFirst)

    static let mmcv = DialectNames(
        dialect: .mmcv,
        theta: "theta.conv", phi: [.pooled("phi.0.conv"), "phi.conv"], g: [.pooled("g.0.conv"), "g.conv"],
        output: ["conv_out.conv"], batchNorm: BatchNorm(stem: "conv_out.bn"),
        pairwise: ["concat_project.conv"],
        subsample: .convFirst, scale: .inverseSquareRoot)

    static let slowFast = DialectNames(
        dialect: .slowFast,
        theta: "conv_theta", phi: ["conv_phi"], g: ["conv_g"], output: ["conv_out"],
        batchNorm: BatchNorm(stem: "bn"),
        subsample: .poolFirst, poolsSilently: true, pool: .window(t: 1, h: 2, w: 2), scale: .inverseSquareRoot
    )

    static let pytorchvideo = DialectNames(
        dialect: .pytorchvideo,
        theta: "conv_theta", phi: ["conv_phi"], g: ["conv_g"], output: ["conv_out"],
        batchNorm: BatchNorm(stem: "norm"),
        subsample: .poolFirst, poolsSilently: true, pool: .window(t: 1, h: 2, w: 2), scale: .inverseSquareRoot
    )

    static let caffe2 = DialectNames(
        dialect: .caffe2, separator: "_", weight: "_w", bias: "_b",
        theta: "theta", phi: ["phi"], g: ["g"], output: ["out"],
        batchNorm: BatchNorm(
            stem: "bn", scale: "_s", shift: "_b", mean: "_rm", variance: "_riv", epsilon: 1.0000001e-5),
        subsample: .poolFirst, poolsSilently: true, pool: .window(t: 1, h: 2, w: 2), scale: .inverseSquareRoot
    )

    static let keras = DialectNames(
        dialect: .keras, separator: "/", weight: "/kernel", bias: "/bias",
        theta: "theta", phi: ["phi"], g: ["g"], output: ["out"],
        transposed: true,
        subsample: .convFirst, poolsSilently: true, pool: .flat(2), layout: .channelsLast)

    static let latentDiffusion = DialectNames(
        dialect: .latentDiffusion,
        theta: "q", phi: ["k"], g: ["v"], output: ["proj_out"], groupNorm: "norm", scale: .inverseSquareRoot)

    static let diffusers = DialectNames(
        dialect: .diffusers,
        theta: "to_q", phi: ["to_k"], g: ["to_v"], output: ["to_out.0"], groupNorm: "group_norm",
        scale: .inverseSquareRoot)

    /// The names until version 0.14, which most published autoencoders still have.
    static let oldDiffusers = DialectNames(
        dialect: .diffusers,
        theta: "query", phi: ["key"], g: ["value"], output: ["proj_attn"], groupNorm: "group_norm",
        scale: .inverseSquareRoot)
}
