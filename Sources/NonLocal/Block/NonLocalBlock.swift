/// The non-local block of Wang et al. (CVPR 2018): z = W_z y + x with y_i = (1 / C(x)) Σ_j f(x_i, x_j) g(x_j).
public final class NonLocalBlock: Sendable {
    public let configuration: Configuration
    public let weights: BlockWeights

    public init(_ configuration: Configuration, weights: BlockWeights) throws {
        self.configuration = configuration
        self.weights = weights
    }
}
