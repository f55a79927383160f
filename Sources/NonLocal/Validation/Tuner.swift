public import SwiftOpenCL

/// Finds the tiles of the tile and the warp kernels that suit a device: each one's results are held against the
/// reference before it is timed, since drivers have got tuned kernels wrong before.
public struct Tuner {
    /// What a tile gave.
    public struct Outcome: Sendable, Hashable {
        /// The kernels that it is of.
        public let kernels: KernelClass
        /// In words: of the tile kernels work-items and sums, of the warp kernels arithmetic, widths and tiling.
        public let tile: String
        /// Seconds of device time for its shapes, the best of some runs each; none if it failed.
        public let seconds: Double?
        /// What is wrong with it, if anything.
        public let failure: String?
    }

    private let session: OpenCLSession
    private let includesWarp: Bool
    private static let runs = 3

    /// - Throws: `OpenCLError` if the device can't be used.
    public init(_ device: Device) throws { self.init(try OpenCLSession(device)) }

    /// - Parameter includesWarp: whether the warp kernels are tuned; those of devices with tensor cores without.
    init(_ session: OpenCLSession, includesWarp: Bool? = nil) {
        self.session = session
        self.includesWarp = includesWarp ?? session.device.hasTensorCores
    }

    /// Tries all tiles on whole blocks with random weights.
    ///
    /// - Parameters:
    ///   - shapes: of x, `[B, C, …]`.
    ///   - report: is called with each outcome as it comes.
    /// - Returns: the entry for the fastest.
    /// - Throws: ``NonLocalError/Code/configuration`` if no tile fits the device or none is right on it;
    ///   ``NonLocalError/Code/shape``.
    public func run(shapes: [[Int]], _ report: (Outcome) -> Void = { _ in }) throws -> TuningTable.Entry {
        let best = try fastest(GroupTile.candidates(session.device)) { tile in
            let outcome = try outcome(tile, shapes)
            report(outcome)
            return outcome
        }
        guard let best else {
            throw NonLocalError(
                .configuration, "no tile of the tile kernels is right on '\(session.device.name)'",
                advice: "Its plain kernels serve; `nonlocal verify --kernels tile` shows what fails.")
        }
        return TuningTable.Entry(
            device: session.device.name, driver: session.device.driverVersion,
            kernels: TuningTable.kernelVersion, side: best.tile.side, quads: best.tile.quads,
            depth: best.tile.depth, shapes: shapes.map(words), milliseconds: best.seconds * 1e3,
            warp: includesWarp ? try warpChoices(shapes, report) : [])
    }

    private func words(_ shape: [Int]) -> String { shape.map(String.init).joined(separator: "x") }

    private func fastest<Tile>(
        _ tiles: [Tile], _ outcome: (Tile) throws -> Outcome
    ) rethrows -> (tile: Tile, seconds: Double)? {
        var best: (tile: Tile, seconds: Double)?
        for tile in tiles {
            if let seconds = try outcome(tile).seconds, seconds < best?.seconds ?? .infinity {
                best = (tile, seconds)
            }
        }
        return best
    }

    private func outcome(_ tile: GroupTile, _ shapes: [[Int]]) throws -> Outcome {
        let families = [
            KernelFamily.tileProduct(tile), .tileProduct(tile, .float16), .tileProduct(tile, .bfloat16),
            .tileSoftmax(), .tileSoftmax(.float16), .tileSoftmax(.bfloat16), .tileSorted(tile),
            .tileAttention(tile, values: 1),
            .tileAttention(tile, values: tile.values), .tileAttention(tile, values: 1, .float16),
            .tileAttention(tile, values: tile.values, .bfloat16),
        ]
        let (seconds, failure) = try trial(
            families, shapes, RunOptions(kernels: .tile, groupTile: tile, validation: .sampled(rows: 8)))
        return Outcome(
            kernels: .tile,
            tile: "\(tile.side)×\(tile.side) work-items, \(tile.quads * 4)×\(tile.quads * 4) each, slices of "
                + "\(tile.depth)",
            seconds: seconds, failure: failure)
    }

    /// The tilings of fused attention that are the fastest for the widths of the shapes.
    private func warpChoices(
        _ shapes: [[Int]], _ report: (Outcome) -> Void
    ) throws -> [TuningTable.WarpChoice] {
        try [WarpTile.Arithmetic.float16, .float32].flatMap { arithmetic in
            try WarpTile.table(arithmetic).compactMap { usual -> TuningTable.WarpChoice? in
                let own = try shapes.filter { try variant($0, arithmetic)?.tile == usual }
                guard !own.isEmpty else { return nil }
                let best = try fastest(
                    WarpTile.candidates(arithmetic, like: usual).filter(isPossible(arithmetic))
                ) {
                    let outcome = try outcome($0, arithmetic, own)
                    report(outcome)
                    return outcome
                }
                return best.map {
                    TuningTable.WarpChoice(
                        arithmetic: arithmetic.rawValue, width: usual.width, values: usual.values,
                        tiling: $0.tile.name, shapes: own.map(words), milliseconds: $0.seconds * 1e3)
                }
            }
        }
    }

    /// Whether a tile takes no more local memory than the device says that it has. Those of NVIDIA say 48 KB and may
    /// have more, which the tile's own test finds out.
    private func isPossible(_ arithmetic: WarpTile.Arithmetic) -> (WarpTile) -> Bool {
        { tile in
            session.device.hasTensorCores
                || variant(tile, arithmetic).localMemory <= session.device.localMemory
        }
    }

    private func variant(_ tile: WarpTile, _ arithmetic: WarpTile.Arithmetic) -> WarpVariant {
        WarpVariant(
            tile, width: tile.width, values: tile.values, arithmetic: arithmetic,
            usesPTX: session.device.hasTensorCores)
    }

    /// What the usual tile for a shape is, if fused attention takes it.
    private func variant(_ shape: [Int], _ arithmetic: WarpTile.Arithmetic) throws -> WarpVariant? {
        let configuration = try configuration(shape)
        return try? WarpVariant(
            width: configuration.innerChannels, values: configuration.valueChannels, arithmetic: arithmetic,
            usesPTX: session.device.hasTensorCores)
    }

    private func outcome(
        _ tile: WarpTile, _ arithmetic: WarpTile.Arithmetic, _ shapes: [[Int]]
    ) throws -> Outcome {
        let variant = variant(tile, arithmetic)
        let (seconds, failure) = try trial(
            [.warpAttention(variant)], shapes,
            RunOptions(
                strategy: .fused, kernels: .warp, warpTiles: [tile],
                precision: arithmetic == .float32 ? .float32 : .mixed, validation: .sampled(rows: 8)))
        return Outcome(
            kernels: .warp,
            tile: "\(arithmetic.rawValue), d to \(tile.width), d_v to \(tile.values): \(tile.name)",
            seconds: seconds, failure: failure)
    }

    private func configuration(_ shape: [Int]) throws -> NonLocalBlock.Configuration {
        guard shape.count > 1 else { throw NonLocalError(.shape, "\(shape) is no shape of x") }
        let configuration = NonLocalBlock.Configuration(channels: shape[1], scale: .inverseSquareRoot)
        try configuration.validate()
        return configuration
    }

    /// Device time for blocks of all shapes once the kernels are right, or what is wrong.
    private func trial(
        _ families: [KernelFamily], _ shapes: [[Int]], _ options: RunOptions
    ) throws -> (seconds: Double?, failure: String?) {
        for family in families {
            let trial = VerificationProblems(session: session, kernels: family.kernels).trial(of: family)
                .outcome()
            if !trial.passed { return (nil, "\(family.name): \(trial.message ?? "wrong")") }
        }
        var total = 0.0
        for shape in shapes {
            let configuration = try configuration(shape)
            let weights = try BlockWeights.random(for: configuration, seed: 1, zeroInitialized: false)
            let prepared = try PreparedBlock(
                configuration, FoldedWeights(weights, pairwise: configuration.pairwise), shape: shape,
                session: session, options: options)
            let x = try Tensor<Float>.normal(shape: shape, seed: 2)
            var least = Double.infinity
            do {
                for _ in 0...Self.runs { least = min(least, try prepared.run(x).deviceSeconds ?? .infinity) }
            } catch let error as NonLocalError where error.code == .mismatch {
                return (nil, error.message)
            }
            total += least
        }
        return (total, nil)
    }
}
