@testable import NonLocal

extension NonLocalBlock {
    /// The block made ready as ``prepared(for:backend:precision:strategy:validation:memoryLimit:allowNonFinite:)``
    /// does, but in the session that tests share, so that its kernels are built already.
    func prepared(
        for shape: [Int], on session: OpenCLSession?, validation: Validation = .full, memoryLimit: Int? = nil,
        allowNonFinite: Bool = false
    ) throws -> PreparedBlock {
        try PreparedBlock(
            configuration, FoldedWeights(weights, pairwise: configuration.pairwise), shape: shape,
            session: session,
            options: RunOptions(
                validation: validation, memoryLimit: memoryLimit, allowsNonFinite: allowNonFinite))
    }
}
