/// The pairwise function f and its normaliser C(x): section 3.2 of Wang et al. (CVPR 2018).
///
///     y_i = (1 / C(x)) Σ_j f(x_i, x_j) g(x_j)
///
/// Each case is one choice of a score s_ij, a weight w(s) and a normaliser; ``generic(_:weight:normalizer:)``
/// leaves the choice to the caller.
public enum Pairwise: Sendable, Hashable {
    /// f = exp(x_iᵀ x_j), C = Σ_j f (equation 2). θ and φ are x itself, or pooled x.
    case gaussian
    /// f = exp(s · θ(x_i)ᵀ φ(x_j)), C = Σ_j f (equation 3): a softmax over j.
    case embeddedGaussian
    /// f = θ(x_i)ᵀ φ(x_j), C = M, the number of key positions (equation 4).
    case dotProduct
    /// f = ReLU(w_fᵀ [θ(x_i); φ(x_j)]), C = M (equation 5).
    case concatenation
    /// f = w(s_ij) for a score and a weight of the caller's choice.
    case generic(Score, weight: WeightExpression, normalizer: Normalizer)

    /// The number s_ij that the weight is a function of.
    public enum Score: String, Sendable, Hashable, CaseIterable {
        /// θ_iᵀ φ_j
        case dotProduct
        /// a_i + b_j with a = w_θᵀ θ and b = w_φᵀ φ, where w_f = [w_θ; w_φ].
        case outerSum
        /// −‖θ_i − φ_j‖²
        case negativeSquaredDistance
    }

    /// What the weighted sum is divided by.
    public enum Normalizer: String, Sendable, Hashable, CaseIterable {
        /// exp(w_ij) / Σ_j exp(w_ij), with the row's maximum subtracted first.
        case softmax
        /// C = Σ_j w_ij. A row whose weights sum to zero has no result.
        case sum
        /// C = M, the number of key positions after sub-sampling.
        case count
        /// C = 1
        case none
    }
}

/// A pairwise function taken apart: what the reference and the kernels compute.
struct Formulation: Hashable, Sendable {
    var score: Pairwise.Score
    var weight: WeightExpression
    var normalizer: Pairwise.Normalizer

    /// Whether rounding of a score grows with the score in its weight, as in an exponential, and not only in
    /// proportion, as in a product.
    var isExponent: Bool {
        normalizer == .softmax || ![.score, .maximum(.score, .constant(0))].contains(weight)
    }
}

extension Pairwise {
    var formulation: Formulation {
        switch self {
        case .gaussian, .embeddedGaussian:
            Formulation(score: .dotProduct, weight: .score, normalizer: .softmax)
        case .dotProduct:
            Formulation(score: .dotProduct, weight: .score, normalizer: .count)
        case .concatenation:
            Formulation(score: .outerSum, weight: .maximum(.score, .constant(0)), normalizer: .count)
        case .generic(let score, let weight, let normalizer):
            Formulation(score: score, weight: weight, normalizer: normalizer)
        }
    }

    /// The name on the command line and in messages.
    public var name: String {
        switch self {
        case .gaussian: "gaussian"
        case .embeddedGaussian: "embedded-gaussian"
        case .dotProduct: "dot-product"
        case .concatenation: "concatenation"
        case .generic(let score, let weight, let normalizer):
            "generic(\(score.rawValue), w(s) = \(weight), \(normalizer.rawValue))"
        }
    }
}
