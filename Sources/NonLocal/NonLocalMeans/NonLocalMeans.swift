/// Exact non-local means over a whole picture or clip, as an embedded Gaussian non-local operation.
///
/// The paper's ancestor (Buades, Coll, Morel: "A non-local algorithm for image denoising", CVPR 2005),
/// without a search window: each patch becomes a mean of all patches of the picture, or of all frames,
///
///     p̂_i = (1 / C_i) Σ_j exp(−‖f_i − f_j‖² / 2h²) p_j          h = strength · σ
///
/// where f are the patches' coordinates along their leading principal components (Tasdizen: "Principal
/// neighborhood dictionaries for nonlocal means image denoising", 2009). Each pixel then is the mean of the
/// estimates that the patches over it have for it.
///
/// Since −‖f_i − f_j‖²/2 = f_iᵀ f_j − ‖f_j‖²/2 up to a term that a softmax over j cancels, this is the
/// operation with θ = (f/h, 1), φ = (f/h, −‖f/h‖²/2) and g = p:
///
///     let clean = try NonLocalMeans().denoise(picture).picture
///
/// Cost grows with the square of the number of pixels that are compared; blocks of patches that are unlike are
/// skipped.
public struct NonLocalMeans: Sendable, Hashable {
    /// The side of a patch in pixels, odd, up to ``largestPatch``.
    public var patch: Int
    /// How many principal components are compared; all there are if there are fewer.
    public var components: Int
    /// h as a multiple of the noise: more removes more noise and more detail.
    public var strength: Double
    /// The noise's standard deviation in grey levels; estimated from the picture if not given.
    public var sigma: Double?
    /// What becomes of a patch's own weight. Included, it keeps much of its own noise; with the strongest
    /// other's weight, as here, results measure best.
    public var ownWeight: OwnWeight

    /// The largest ``patch``.
    public static let largestPatch = 15
    /// Noise below this many grey levels is not worth removing: the picture comes back as it is.
    public static let leastSigma = 0.1

    /// The defaults are the best all-rounders measured on a photograph of 256×256 pixels in colour:
    /// 31.9 dB where noise of 15 grey levels left 25.1 dB, 28.5 dB where noise of 25 left 20.9 dB.
    public init(
        patch: Int = 3, components: Int = 8, strength: Double = 1.5, sigma: Double? = nil,
        ownWeight: OwnWeight = .strongest
    ) {
        self.patch = patch
        self.components = components
        self.strength = strength
        self.sigma = sigma
        self.ownWeight = ownWeight
    }

    /// What ``NonLocalMeans/denoise(_:scope:backend:skip:validation:memoryLimit:launchSeconds:)`` gives.
    public struct Result: Sendable {
        /// In the shape of the picture or clip, in grey levels, neither rounded nor clipped.
        public let picture: Tensor<Float>
        /// The noise that was removed, given or estimated, in grey levels.
        public let sigma: Double
        /// The non-local operation's plan; none where there was nothing to do.
        public let plan: Plan?
        /// The operation on all patches, `[1, patch² · channels, height, width]`, with its times and its
        /// validation; none where there was nothing to do. With a scope of its own each frame or column is an
        /// item of the batch, `[groups, patch² · channels, positions]`.
        public let operation: BlockResult?
    }

    /// Removes Gaussian noise from a picture or a clip.
    ///
    /// - Parameters:
    ///   - picture: `[channels, height, width]` or `[channels, frames, height, width]` in grey levels from 0 to
    ///     255. Channels are compared together.
    ///   - scope: of a clip: whether a patch is compared with those of all frames, of its own frame, or of its
    ///     own pixel in all frames.
    ///   - backend: where it runs.
    ///   - skip: whether patches that can't matter are left out, block by block; see ``Skipping``.
    ///   - validation: how much of the operation's result is compared with the reference.
    ///   - memoryLimit: bytes of device memory; by default the device's own limit.
    ///   - launchSeconds: that one launch may take, roughly; 0.2 without, on CPU devices only while a run is
    ///     followed.
    /// - Throws: ``NonLocalError/Code/shape`` if the picture has another number of dimensions or is empty,
    ///   ``NonLocalError/Code/configuration`` for options out of range, ``NonLocalError/Code/nonFinite``,
    ///   ``NonLocalError/Code/memory``, ``NonLocalError/Code/mismatch``; `OpenCLError` from the device.
    public func denoise(
        _ picture: Tensor<Float>, scope: Scope = .spacetime, backend: Backend = .automatic,
        skip: Skipping = .automatic, validation: Validation = .sampled(rows: 8), memoryLimit: Int? = nil,
        launchSeconds: Double? = nil
    ) throws -> Result {
        try denoise(
            picture, scope, backend,
            RunOptions(
                skip: skip, validation: validation, memoryLimit: memoryLimit, launchSeconds: launchSeconds),
            monitor: { _ in nil })
    }

    /// The same off the caller's thread, told of while it is made, and stopped when the task is cancelled; see
    /// ``PreparedBlock/run(_:queries:progress:)``. `progress` is called after each launch with work to speak of,
    /// on another thread.
    ///
    /// - Throws: as ``denoise(_:scope:backend:skip:validation:memoryLimit:launchSeconds:)``, and
    ///   `CancellationError`.
    public func denoise(
        _ picture: Tensor<Float>, scope: Scope = .spacetime, backend: Backend = .automatic,
        skip: Skipping = .automatic, validation: Validation = .sampled(rows: 8), memoryLimit: Int? = nil,
        launchSeconds: Double? = nil, progress: @escaping @Sendable (RunProgress) -> Void
    ) async throws -> Result {
        try await onThread { cancellation in
            try denoise(
                picture, scope, backend,
                RunOptions(
                    skip: skip, validation: validation, memoryLimit: memoryLimit,
                    launchSeconds: launchSeconds),
                monitor: { RunMonitor(operationsInAll: $0, cancellation, report: progress) })
        }
    }

    /// - Parameter monitor: who follows the operation, given how many operations it takes.
    private func denoise(
        _ picture: Tensor<Float>, _ scope: Scope, _ backend: Backend, _ options: RunOptions,
        monitor: (Double) -> RunMonitor?
    ) throws -> Result {
        try check(picture, scope)
        let sigma = try self.sigma ?? Self.estimatedNoise(in: picture)
        let patches = Patches(side: patch, shape: picture.shape)
        guard sigma >= Self.leastSigma, patches.count > 1 else {
            return Result(picture: picture, sigma: sigma, plan: nil, operation: nil)
        }
        let values = try patches.extracted(from: picture)
        let (theta, phi) = try embedding(of: values, bandwidth: strength * sigma)
        let groups = PositionGroups(
            Grid(t: patches.frames, h: patches.height, w: patches.width), scope: scope)
        func grouped(_ tensor: Tensor<Float>) throws -> Tensor<Float> {
            scope == .spacetime ? tensor : try tensor.gathered(groups)
        }
        let operands = try (
            theta: grouped(theta), phi: grouped(phi), g: grouped(values.reshaped([1] + values.shape))
        )
        let prepared = try NonLocalOperation(ownWeight: ownWeight).prepared(
            theta: operands.theta.shape, phi: operands.phi.shape, g: operands.g.shape, backend: backend,
            skip: options.skip, validation: options.validation, memoryLimit: options.memoryLimit,
            launchSeconds: options.launchSeconds)
        let operation = try prepared.run(
            operands.theta, operands.phi, operands.g, monitor(prepared.plan.executedOperations))
        let estimates =
            scope == .spacetime ? operation.output : try operation.output.scattered(groups)
        return Result(
            picture: try patches.averaged(estimates.reshaped(values.shape)), sigma: sigma,
            plan: prepared.plan, operation: operation)
    }

    /// θ and φ, `[1, components + 1, positions…]`, whose product is the affinity of two patches.
    func embedding(
        of patches: Tensor<Float>, bandwidth: Double
    ) throws -> (theta: Tensor<Float>, phi: Tensor<Float>) {
        try embedding(features(of: patches), positions: patches.shape.dropFirst(), bandwidth: bandwidth)
    }

    /// The coordinates of patches along their leading principal components, a row of all positions for each.
    func features(of patches: Tensor<Float>) -> [[Double]] {
        PrincipalComponents(of: patches, count: components).projected(patches)
    }

    /// θ and φ of features, whose positions have the given extents.
    func embedding(
        _ features: [[Double]], positions extents: ArraySlice<Int>, bandwidth: Double
    ) throws -> (theta: Tensor<Float>, phi: Tensor<Float>) {
        let positions = extents.reduce(1, *)
        let shape = [1, features.count + 1] + extents

        let theta = try Tensor<Float>(shape: shape) { target in
            target.initialize(repeating: 1)
            for (row, feature) in features.enumerated() {
                for n in 0..<positions { target[row * positions + n] = Float(feature[n] / bandwidth) }
            }
        }
        var phi = theta
        try phi.withUnsafeMutableBufferPointer { target in
            // From the rounded features, so that each patch is nearest to itself.
            for n in 0..<positions {
                var square = 0.0
                for row in features.indices {
                    let feature = Double(target[row * positions + n])
                    square += feature * feature
                }
                target[features.count * positions + n] = Float(-square / 2)
            }
        }
        return (theta, phi)
    }

    /// - Throws: ``NonLocalError/Code/shape``, ``NonLocalError/Code/nonFinite`` or
    ///   ``NonLocalError/Code/configuration`` if the patches of a picture can't be compared.
    func check(_ picture: Tensor<Float>, _ scope: Scope) throws(NonLocalError) {
        guard (3...4).contains(picture.shape.count), picture.count > 0 else {
            throw NonLocalError(
                .shape, "a picture of shape \(picture.shape) has no patches to compare",
                advice: "It has to be [channels, height, width] or [channels, frames, height, width], "
                    + "none of them zero.")
        }
        guard scope == .spacetime || picture.shape.count == 4 else {
            throw NonLocalError(
                .configuration, "scope \(scope.rawValue) needs a clip, not one picture",
                advice: "Use scope spacetime, or [channels, frames, height, width].")
        }
        guard picture.firstNonFinite == nil else {
            throw NonLocalError(.nonFinite, "the picture holds NaN or infinity")
        }
        guard patch % 2 == 1, (1...Self.largestPatch).contains(patch) else {
            throw NonLocalError(
                .configuration, "a patch of \(patch) pixels",
                advice: "Its side has to be odd, from 1 to \(Self.largestPatch).")
        }
        guard components >= 1 else {
            throw NonLocalError(
                .configuration, "\(components) principal components", advice: "Take at least 1.")
        }
        guard strength > 0, strength.isFinite, sigma.map({ $0 >= 0 && $0.isFinite }) ?? true else {
            throw NonLocalError(
                .configuration,
                "a strength of \(strength) with sigma \(sigma.map { "\($0)" } ?? "estimated")",
                advice: "The strength has to be positive, sigma not negative.")
        }
    }
}
