public import SwiftOpenCL

/// Finds the tile of the tile kernels that suits a device: each one's results are held against the reference before
/// it is timed, since drivers have got tuned kernels wrong before.
public struct Tuner {
    /// What a tile gave.
    public struct Outcome: Sendable, Hashable {
        /// Work-items along each side of a work-group.
        public let side: Int
        /// Quads of rows, and of columns, that a work-item has.
        public let quads: Int
        /// Terms of a slice in local memory.
        public let depth: Int
        /// Seconds of device time for all shapes, the best of some runs each; none if it failed.
        public let seconds: Double?
        /// What is wrong with it, if anything.
        public let failure: String?
    }

    private let session: OpenCLSession
    private static let runs = 3

    /// - Throws: `OpenCLError` if the device can't be used.
    public init(_ device: Device) throws { session = try OpenCLSession(device) }

    init(_ session: OpenCLSession) { self.session = session }

    /// Tries all tiles on whole blocks with random weights.
    ///
    /// - Parameters:
    ///   - shapes: of x, `[B, C, …]`.
    ///   - report: is called with each outcome as it comes.
    /// - Returns: the entry for the fastest.
    /// - Throws: ``NonLocalError/Code/configuration`` if no tile fits the device or none is right on it;
    ///   ``NonLocalError/Code/shape``.
    public func run(shapes: [[Int]], _ report: (Outcome) -> Void = { _ in }) throws -> TuningTable.Entry {
        var best: (outcome: Outcome, seconds: Double)?
        for tile in GroupTile.candidates(session.device) {
            let outcome = try outcome(tile, shapes)
            report(outcome)
            if let seconds = outcome.seconds, seconds < best?.seconds ?? .infinity {
                best = (outcome, seconds)
            }
        }
        guard let best else {
            throw NonLocalError(
                .configuration, "no tile of the tile kernels is right on '\(session.device.name)'",
                advice: "Its plain kernels serve; `nonlocal verify --kernels tile` shows what fails.")
        }
        return TuningTable.Entry(
            device: session.device.name, driver: session.device.driverVersion,
            kernels: TuningTable.kernelVersion, side: best.outcome.side, quads: best.outcome.quads,
            depth: best.outcome.depth, shapes: shapes.map { $0.map(String.init).joined(separator: "x") },
            milliseconds: best.seconds * 1e3)
    }

    private func outcome(_ tile: GroupTile, _ shapes: [[Int]]) throws -> Outcome {
        func outcome(_ seconds: Double?, _ failure: String?) -> Outcome {
            Outcome(
                side: tile.side, quads: tile.quads, depth: tile.depth, seconds: seconds, failure: failure)
        }
        let problems = VerificationProblems(session: session, kernels: .tile)
        for family in [
            KernelFamily.tileProduct(tile), .tileSoftmax, .tileAttention(tile, values: 1),
            .tileAttention(tile, values: tile.values),
        ] {
            let trial = problems.trial(of: family).outcome()
            if !trial.passed { return outcome(nil, "\(family.name): \(trial.message ?? "wrong")") }
        }
        var total = 0.0
        for shape in shapes {
            guard shape.count > 1 else { throw NonLocalError(.shape, "\(shape) is no shape of x") }
            let configuration = NonLocalBlock.Configuration(channels: shape[1], scale: .inverseSquareRoot)
            try configuration.validate()
            let weights = try BlockWeights.random(for: configuration, seed: 1, zeroInitialized: false)
            let prepared = try PreparedBlock(
                configuration, FoldedWeights(weights, pairwise: configuration.pairwise), shape: shape,
                session: session,
                options: RunOptions(kernels: .tile, groupTile: tile, validation: .sampled(rows: 8)))
            let x = try Tensor<Float>.normal(shape: shape, seed: 2)
            var least = Double.infinity
            do {
                for _ in 0...Self.runs { least = min(least, try prepared.run(x).deviceSeconds ?? .infinity) }
            } catch let error as NonLocalError where error.code == .mismatch {
                return outcome(nil, error.message)
            }
            total += least
        }
        return outcome(total, nil)
    }
}
