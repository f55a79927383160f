/// A block's weights in a file, with what the file and its dialect say about the block.
///
///     let file = try BlockFile(reading: "block.safetensors")
///     let block = try NonLocalBlock(file.configuration, weights: file.weights)
public struct BlockFile: Sendable {
    /// As they stand in the file, matrices as `[output channels, input channels]`.
    public let weights: BlockWeights
    /// The dialect that was found; never ``Dialect/automatic``.
    public let dialect: Dialect
    /// What stands before the dialect's names, with its separator; empty if nothing does.
    public let prefix: String
    /// The block that the file implies: see ``configuration(for:)``.
    public let configuration: NonLocalBlock.Configuration
    private let scale: Scale

    /// Reads the weights of a block from a safetensors file.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - dialect: whose names the weights have; found by itself unless given.
    ///   - prefix: the exact text before the names, such as `module.nl_1`, where a missing last separator is
    ///     added; found by itself unless given, if the file has one block only.
    /// - Throws: ``NonLocalError/Code/missingKey``, ``NonLocalError/Code/ambiguousPrefix``,
    ///   ``NonLocalError/Code/weights`` if shapes don't fit each other, and what
    ///   ``SafeTensors/init(_:)`` and ``SafeTensors/tensor(_:as:)`` throw.
    public init(reading path: String, dialect: Dialect = .automatic, prefix: String? = nil) throws {
        try self.init(SafeTensors(path), dialect: dialect, prefix: prefix)
    }

    /// Reads the weights of a block from an open file, as ``init(reading:dialect:prefix:)`` does.
    public init(_ tensors: SafeTensors, dialect: Dialect = .automatic, prefix: String? = nil) throws {
        let place = try findBlock(in: tensors, dialect: dialect, prefix: prefix)
        let reader = BlockReader(tensors: tensors, place: place)
        let names = place.names
        weights = try reader.weights()
        self.dialect = names.dialect
        self.prefix = place.prefix
        scale = names.scale

        let pools = try names.poolsSilently || reader.isPooled()
        let pairwise: Pairwise =
            weights.theta == nil ? .gaussian : weights.pairwise == nil ? .embeddedGaussian : .concatenation
        let channels = weights.output.weight.shape[0]
        configuration = NonLocalBlock.Configuration(
            channels: channels,
            innerChannels: weights.theta?.weight.shape[0] ?? channels,
            valueChannels: weights.g.weight.shape[0],
            pairwise: pairwise, subsample: pools ? names.subsample : .none, pool: names.pool,
            scale: pairwise == .embeddedGaussian ? scale : .none, layout: names.layout)
        do {
            try weights.checkShapes(for: configuration)
        } catch {
            throw NonLocalError(
                error.code,
                "'\(tensors.path)', \(names.dialect.rawValue) block '\(place.prefix)': \(error.message)",
                advice: error.advice)
        }
    }

    /// The block that the file implies, with another pairwise function.
    ///
    /// A file doesn't show whether a softmax or a dot product was meant. The dialect's scale holds for
    /// ``Pairwise/embeddedGaussian`` only.
    public func configuration(for pairwise: Pairwise) -> NonLocalBlock.Configuration {
        var changed = configuration
        changed.pairwise = pairwise
        changed.scale = pairwise == .embeddedGaussian ? scale : .none
        return changed
    }
}

extension BlockWeights {
    /// Reads weights alone from a safetensors file. The scale, the sub-sampling and the layout that its dialect
    /// implies are not among them: ``BlockFile`` and ``NonLocalBlock/init(reading:dialect:prefix:pairwise:)``
    /// know them too.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - dialect: whose names the weights have; found by itself unless given.
    ///   - prefix: the exact text before the names; found by itself if the file has one block only.
    /// - Throws: what ``BlockFile/init(reading:dialect:prefix:)`` throws.
    public static func load(
        _ path: String, dialect: Dialect = .automatic, prefix: String? = nil
    ) throws -> BlockWeights {
        try BlockFile(reading: path, dialect: dialect, prefix: prefix).weights
    }
}
