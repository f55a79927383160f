import Foundation
import SwiftOpenCL

/// The non-local block of Wang, Girshick, Gupta and He, "Non-local Neural Networks" (CVPR 2018):
///
///     y_i = (1 / C(x)) Σ_j f(x_i, x_j) g(x_j)          z_i = W_z y_i + x_i
///
///     let block = try NonLocalBlock(reading: "block.safetensors")
///     let z = try block(x, backend: .opencl)
///
/// or with a configuration of one's own, which then has to name all that the file's dialect would imply:
///
///     let block = try NonLocalBlock(
///         .init(channels: 1024, subsample: .convFirst, scale: .inverseSquareRoot),
///         weights: .load("block.safetensors"))
///
/// x is `[B, C, L]`, `[B, C, H, W]` or `[B, C, T, H, W]` of any size; z has the same shape.
///
/// Safe from any thread.
public final class NonLocalBlock: Sendable {
    /// What the block computes.
    public let configuration: Configuration
    /// Its learned numbers, as they were given.
    public let weights: BlockWeights

    let folded: FoldedWeights
    private let lock = NSLock()
    /// What was made for earlier calls: a few, the newest last.
    private nonisolated(unsafe) var recent: [(key: PreparationKey, block: PreparedBlock)] = []
    private nonisolated(unsafe) var sessions: [Device: OpenCLSession] = [:]

    private struct PreparationKey: Hashable {
        let shape: [Int]
        let backend: Backend
        let options: RunOptions
    }

    private static let recentLimit = 4

    /// - Throws: ``NonLocalError/Code/configuration`` if the configuration contradicts itself,
    ///   ``NonLocalError/Code/weights`` if the weights don't fit it.
    public init(_ configuration: Configuration, weights: BlockWeights) throws {
        try configuration.validate()
        try weights.validate(for: configuration)
        self.configuration = configuration
        self.weights = weights
        folded = FoldedWeights(weights, pairwise: configuration.pairwise)
    }

    /// A block as a file and its dialect have it: channels, sub-sampling, scale and layout included.
    ///
    ///     let block = try NonLocalBlock(reading: "block.safetensors")
    ///
    /// - Parameters:
    ///   - path: a safetensors file.
    ///   - dialect: whose names the weights have; found by itself unless given.
    ///   - prefix: the exact text before the names; found by itself if the file has one block only.
    ///   - pairwise: a file doesn't show whether a softmax or a dot product was meant; a softmax unless given.
    /// - Throws: as ``BlockFile/init(reading:dialect:prefix:)`` and ``init(_:weights:)``.
    public convenience init(
        reading path: String, dialect: Dialect = .automatic, prefix: String? = nil, pairwise: Pairwise? = nil
    ) throws {
        let file = try BlockFile(reading: path, dialect: dialect, prefix: prefix)
        try self.init(
            pairwise.map(file.configuration(for:)) ?? file.configuration, weights: file.weights)
    }

    /// z = W_z y + x.
    ///
    /// What is prepared for x's shape is kept for the next calls. Sampled rows are compared with the
    /// reference.
    ///
    /// - Parameters:
    ///   - x: `[B, C, …]` in the configuration's layout.
    ///   - backend: where it runs.
    ///   - precision: what a device keeps operands in.
    /// - Returns: z, in the shape of x.
    /// - Throws: ``NonLocalError`` if x doesn't fit or the result doesn't pass, `OpenCLError` from the device.
    public func callAsFunction(
        _ x: Tensor<Float>, backend: Backend = .automatic, precision: Precision = .float32
    ) throws -> Tensor<Float> {
        try kept(for: x.shape, backend, precision)(x)
    }

    /// z at chosen positions only.
    ///
    /// - Parameters:
    ///   - x: `[B, C, …]` in the configuration's layout.
    ///   - queries: flat positions, (t·H + h)·W + w, the same for each batch item.
    ///   - backend: where it runs.
    ///   - precision: what a device keeps operands in.
    /// - Returns: `[B, C, n]` for n queries, in their order (channels last: `[B, n, C]`).
    public func callAsFunction(
        _ x: Tensor<Float>, queries: [Int], backend: Backend = .automatic, precision: Precision = .float32
    ) throws -> Tensor<Float> {
        try kept(for: x.shape, backend, precision).run(x, queries: queries).output
    }

    /// What one position takes from each key position, after normalisation.
    ///
    /// - Parameters:
    ///   - x: `[B, C, …]` in the configuration's layout.
    ///   - query: `[b, t, h, w]`, or `[b, h, w]` or `[b, l]` for images and sequences.
    ///   - backend: where it runs.
    /// - Returns: `[T', H', W']` over the key grid of the query's group: all of it, its frame alone in scope
    ///   space (T' = 1), its column alone in scope time (H' = W' = 1).
    public func attentionMap(
        _ x: Tensor<Float>, query: [Int], backend: Backend = .automatic
    ) throws -> Tensor<Float> {
        let geometry = try Geometry(configuration, shape: x.shape)
        let extents = [geometry.batch] + geometry.grid.extents.suffix(x.shape.count - 2)
        guard query.count == extents.count, zip(query, extents).allSatisfy({ $0 >= 0 && $0 < $1 }) else {
            throw NonLocalError(
                .configuration, "the query \(query) is no position of x, whose batch and grid are \(extents)")
        }
        let position = zip(query, extents).dropFirst().reduce(0) { $0 * $1.1 + $1.0 }
        let item = try x.item(query[0])
        let row = try kept(for: item.shape, backend).attention(item, queries: [position])
        let keys = geometry.keyGrid
        let shape =
            switch configuration.scope {
            case .spacetime: keys.extents
            case .space: [1, keys.h, keys.w]
            case .time: [keys.t, 1, 1]
            }
        return try row.reshaped(shape)
    }

    /// Makes the block ready for one shape of input, for many calls.
    ///
    /// - Parameters:
    ///   - shape: of x.
    ///   - backend: where it runs.
    ///   - precision: what a device keeps operands in.
    ///   - strategy: the way it is computed; the plan's choice unless given.
    ///   - skip: whether blocks of keys whose weights can't matter are left out; results differ by rounding alone.
    ///   - absorb: whether W_θ and W_z are applied to the keys where these are fewer, likewise.
    ///   - validation: how much of each result is compared with the reference.
    ///   - checksums: whether sums over all rows are compared with each other.
    ///   - onMismatch: what becomes of a result that validation finds wrong.
    ///   - memoryLimit: bytes of device memory; by default the smaller of a quarter of the device's and 1 GiB.
    ///   - launchSeconds: that one launch may take, roughly; 0.2 without, on CPU devices only while a run is
    ///     followed.
    ///   - allowNonFinite: whether NaN and infinity in x are let through.
    public func prepared(
        for shape: [Int], backend: Backend = .automatic, precision: Precision = .float32,
        strategy: Strategy = .automatic, skip: Skipping = .automatic, absorb: Absorption = .automatic,
        validation: Validation = .sampled(rows: 8), checksums: Checksums = .off,
        onMismatch: MismatchPolicy = .fail,
        memoryLimit: Int? = nil, launchSeconds: Double? = nil, allowNonFinite: Bool = false
    ) throws -> PreparedBlock {
        try PreparedBlock(
            configuration, folded, shape: shape, session: session(for: backend),
            options: RunOptions(
                strategy: strategy, skip: skip, absorb: absorb, precision: precision, validation: validation,
                checksums: checksums, onMismatch: onMismatch, memoryLimit: memoryLimit,
                launchSeconds: launchSeconds,
                allowsNonFinite: allowNonFinite))
    }

    private func kept(
        for shape: [Int], _ backend: Backend, _ precision: Precision = .float32
    ) throws -> PreparedBlock {
        let key = PreparationKey(
            shape: shape, backend: backend, options: RunOptions(precision: precision))
        let known = lock.withLock { recent.first { $0.key == key }?.block }
        let block =
            try known
            ?? PreparedBlock(
                configuration, folded, shape: shape, session: session(for: backend), options: key.options)
        let others = lock.withLock {
            if known == nil {
                recent.append((key, block))
                if recent.count > Self.recentLimit { recent.removeFirst() }
            }
            return recent.map(\.block).filter { $0 !== block }
        }
        // Each keeps to the memory limit; together they would not.
        for other in others { other.releaseBuffers() }
        return block
    }

    private func session(for backend: Backend) throws -> OpenCLSession? {
        try backend.session { device in
            lock.lock()
            defer { lock.unlock() }
            if let session = sessions[device] { return session }
            let session = try OpenCLSession(device)
            sessions[device] = session
            return session
        }
    }
}
