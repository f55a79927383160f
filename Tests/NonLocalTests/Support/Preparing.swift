@testable import NonLocal

extension NonLocalBlock {
    /// The block made ready as ``prepared(for:backend:precision:strategy:skip:absorb:validation:checksums:onMismatch:memoryLimit:launchSeconds:allowNonFinite:)``
    /// does, but in the session that tests share, so that its kernels are built already.
    func prepared(
        for shape: [Int], on session: OpenCLSession?, strategy: Strategy = .automatic,
        kernels: KernelClass? = nil, skip: Skipping = .automatic, absorb: Absorption = .automatic,
        validation: Validation = .full,
        checksums: Checksums = .off, onMismatch: MismatchPolicy = .fail,
        memoryLimit: Int? = nil, allowNonFinite: Bool = false, form: FusedForm? = nil,
        groupTile: GroupTile? = nil, testsKernels: Bool = true, precision: Precision = .float32
    ) throws -> PreparedBlock {
        try PreparedBlock(
            configuration, FoldedWeights(weights, pairwise: configuration.pairwise), shape: shape,
            session: session,
            options: RunOptions(
                strategy: strategy, kernels: kernels, groupTile: groupTile, testsKernels: testsKernels,
                skip: skip, absorb: absorb, form: form, precision: precision, validation: validation,
                checksums: checksums,
                onMismatch: onMismatch, memoryLimit: memoryLimit,
                allowsNonFinite: allowNonFinite))
    }
}

extension NonLocalOperation {
    /// The operation made ready in the session that tests share.
    func prepared(
        for shape: OperationShape, on session: OpenCLSession?, strategy: Strategy = .automatic,
        kernels: KernelClass? = nil, skip: Skipping = .automatic, validation: Validation = .full,
        memoryLimit: Int? = nil, groupTile: GroupTile? = nil, precision: Precision = .float32
    ) throws -> PreparedOperation {
        try PreparedOperation(
            self, shape, session: session,
            options: RunOptions(
                strategy: strategy, kernels: kernels, groupTile: groupTile, skip: skip, precision: precision,
                validation: validation, memoryLimit: memoryLimit))
    }
}
