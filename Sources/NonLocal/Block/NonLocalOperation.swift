import Foundation
import SwiftOpenCL

/// The bare non-local operation y_i = (1 / C) Σ_j f(θ_i, φ_j) g_j on tensors that are projected already.
///
///     let y = try nonLocal(theta: q, phi: k, g: v, pairwise: .embeddedGaussian, backend: .opencl)
///
/// - Parameters:
///   - theta: `[B, d, …]`, with N positions behind the channels.
///   - phi: `[B, d, …]`, with M positions.
///   - g: `[B, d_v, …]`, with the M positions of φ; d_v needs not be d.
///   - pairwise: f and C. The Gaussian and the embedded Gaussian form are the same here.
///   - scale: s, by which the affinity is multiplied; d is θ's number of channels.
///   - ownWeight: what becomes of a position's own weight; only with as many keys as queries.
///   - pairwiseWeight: w_f, for the concatenation form and others with an outer sum.
///   - backend: where it runs.
///   - precision: what a device keeps operands in.
///   - strategy: the way it is computed; the plan's choice unless given.
///   - skip: whether blocks of keys whose weights can't matter are left out; results differ by rounding alone.
///   - validation: how much of the result is compared with the reference.
///   - memoryLimit: bytes of device memory; by default the smaller of a quarter of the device's and 1 GiB.
///   - allowNonFinite: whether NaN and infinity in the operands are let through.
/// - Returns: y, `[B, d_v, …]` with the positions of θ.
/// - Throws: ``NonLocalError`` if the tensors don't fit each other or the result doesn't pass, `OpenCLError`
///   from the device.
public func nonLocal(
    theta: Tensor<Float>, phi: Tensor<Float>, g: Tensor<Float>, pairwise: Pairwise = .embeddedGaussian,
    scale: Scale = .none, ownWeight: OwnWeight = .include,
    pairwiseWeight: BlockWeights.PairwiseWeight? = nil, backend: Backend = .automatic,
    precision: Precision = .float32, strategy: Strategy = .automatic, skip: Skipping = .automatic,
    validation: Validation = .sampled(rows: 8), memoryLimit: Int? = nil, allowNonFinite: Bool = false
) throws -> Tensor<Float> {
    let operation = NonLocalOperation(
        pairwise: pairwise, scale: scale, ownWeight: ownWeight, pairwiseWeight: pairwiseWeight)
    let prepared = try operation.prepared(
        theta: theta.shape, phi: phi.shape, g: g.shape, backend: backend, precision: precision,
        strategy: strategy, skip: skip, validation: validation, memoryLimit: memoryLimit,
        allowNonFinite: allowNonFinite)
    return try prepared(theta: theta, phi: phi, g: g)
}

/// The bare operation, apart from the size of its operands.
public struct NonLocalOperation: Sendable {
    /// f and C. The Gaussian and the embedded Gaussian form are the same here.
    public var pairwise: Pairwise
    /// s, by which the affinity is multiplied; d is θ's number of channels.
    public var scale: Scale
    /// What becomes of a position's own weight; only with as many keys as queries.
    public var ownWeight: OwnWeight
    /// w_f, `[2d]`, for the concatenation form and others with an outer sum.
    public var pairwiseWeight: BlockWeights.PairwiseWeight?

    /// An operation; whether its parts go together is checked when it is prepared.
    public init(
        pairwise: Pairwise = .embeddedGaussian, scale: Scale = .none, ownWeight: OwnWeight = .include,
        pairwiseWeight: BlockWeights.PairwiseWeight? = nil
    ) {
        self.pairwise = pairwise
        self.scale = scale
        self.ownWeight = ownWeight
        self.pairwiseWeight = pairwiseWeight
    }

    /// Makes the operation ready for operands of certain shapes, for many calls. See
    /// ``nonLocal(theta:phi:g:pairwise:scale:ownWeight:pairwiseWeight:backend:precision:strategy:skip:validation:memoryLimit:allowNonFinite:)``.
    public func prepared(
        theta: [Int], phi: [Int], g: [Int], backend: Backend = .automatic, precision: Precision = .float32,
        strategy: Strategy = .automatic, skip: Skipping = .automatic,
        validation: Validation = .sampled(rows: 8), onMismatch: MismatchPolicy = .fail,
        memoryLimit: Int? = nil, launchSeconds: Double? = nil, allowNonFinite: Bool = false
    ) throws -> PreparedOperation {
        let shape = try OperationShape(self, theta: theta, phi: phi, g: g)
        return try PreparedOperation(
            self, shape, session: backend.session { try OpenCLSession($0) },
            options: RunOptions(
                strategy: strategy, skip: skip, precision: precision, validation: validation,
                onMismatch: onMismatch, memoryLimit: memoryLimit, launchSeconds: launchSeconds,
                allowsNonFinite: allowNonFinite))
    }
}
