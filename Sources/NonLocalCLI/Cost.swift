import ArgumentParser
import NonLocal

struct Cost: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Parameters, operations and memory of blocks, from their shapes alone.",
        discussion: """
            A block is named by the shape of its x, such as 1x1024x4x14x14, or by res2, res3, res4 or res5, the \
            paper's stages of a clip of 4 frames (res4/8: of 8 frames); 3:res4 are three of them. Multiply-adds \
            and FLOP, two for each, are those of the formulas, over the whole batch; norms, pools and the \
            softmax are not counted. "Affinities" is what all N × M of them would take at one time, as in \
            implementations that hold them; this one does not.

            Examples:
              nonlocal cost res2 res3 res4 res5 --subsample pool-first
              nonlocal cost 2:res3 3:res4 --subsample pool-first --network resnet101
              nonlocal cost 1x512x64x64 --inner 512 --group-norm --no-norm --json
            """)

    @Argument(help: ArgumentHelp("Blocks, such as 8x1024x4x14x14, res4 or 3:res4.", valueName: "block"))
    var blocks: [CostedBlock]

    @Option(help: ArgumentHelp("d, the channels of θ and φ (default: half of C).", valueName: "d"))
    var inner: Int?

    @Option(help: ArgumentHelp("The channels of g (default: d).", valueName: "d_v"))
    var valueChannels: Int?

    @OptionGroup(title: "Block") var block: BlockOptions

    @Flag(inversion: .prefixedNo, help: "Whether θ, φ, g and W_z have biases.")
    var biases = true

    @Flag(inversion: .prefixedNo, help: "Whether a norm of 2C parameters follows W_z.")
    var norm = true

    @Flag(help: "Whether a group norm stands in front, as in latent-diffusion autoencoders.")
    var groupNorm = false

    @Option(
        help: ArgumentHelp(
            "The network that the blocks go into: resnet101 (43.2 million parameters and 34.2·10⁹ multiply-adds "
                + "a clip), or its own numbers, in 10⁶ and 10⁹.", valueName: "name|parameters,multiply-adds"))
    var network: Network?

    @Flag(help: "Print a JSON object to stdout.")
    var json = false

    func run() throws {
        let costs = try blocks.map { try ($0, cost(of: $0)) }
        let total = Total(costs)
        guard !json else {
            Console.result(
                .object([
                    "blocks": .array(costs.map { $0.1.json($0.0) }),
                    "parameters": .number(total.parameters),
                    "multiply_adds": .number(total.multiplyAdds),
                    "flop": .number(2 * total.multiplyAdds),
                    "parameter_ratio": .number(network.map { 1 + total.parameters / $0.parameters }),
                    "operation_ratio": .number(network.map { 1 + total.multiplyAdds / $0.multiplyAdds }),
                ]))
            return
        }
        let heading = [
            "block", "N × M", "parameters", "10⁹ multiply-adds", "GFLOP", "x and z, MiB", "θ φ g y, MiB",
            "affinities, MiB",
        ]
        var rows = [heading] + costs.map { $0.1.row($0.0) }
        if costs.count > 1 || total.count > 1 {
            rows.append([
                "all \(total.count)", "", total.parameters.grouped, (total.multiplyAdds / 1e9).fixed(3),
                (2 * total.multiplyAdds / 1e9).fixed(3),
            ])
        }
        Console.result(Console.table(rows))
        if let pairs = costs.map(\.1.pairBytes).max(), pairs > 0 {
            Console.result(
                "Implementations that write each pair [θ_i; φ_j] down need up to \(pairs.mebibytes) MiB for them."
            )
        }
        guard let network else { return }
        Console.result(
            "\(network.name) becomes \((1 + total.multiplyAdds / network.multiplyAdds).fixed(3)) × as many "
                + "multiply-adds and \((1 + total.parameters / network.parameters).fixed(3)) × as many parameters."
        )
    }

    func validate() throws {
        guard !blocks.isEmpty else {
            throw ValidationError("Name a block: the shape of its x, such as 1x1024x4x14x14, or res4.")
        }
    }

    private func cost(of costed: CostedBlock) throws -> BlockCost {
        var shape = costed.shape
        guard shape.count >= 3 else {
            throw NonLocalError(.shape, "\(costed.name) is no shape of x", advice: "Use BxCxTxHxW.")
        }
        let channelsLast = block.layout == .channelsLast
        // A stage's name knows no layout.
        if channelsLast, costed.isStage { shape.append(shape.remove(at: 1)) }
        var configuration = NonLocalBlock.Configuration(
            channels: shape[channelsLast ? shape.count - 1 : 1], innerChannels: inner,
            valueChannels: valueChannels, pairwise: block.pairwise?.pairwise ?? .embeddedGaussian)
        try block.apply(to: &configuration)
        return try BlockCost(
            of: configuration, shape: shape, biases: biases, norm: norm, groupNorm: groupNorm)
    }

    private struct Total {
        var count = 0
        var parameters = 0.0
        var multiplyAdds = 0.0

        init(_ costs: [(CostedBlock, BlockCost)]) {
            for (block, cost) in costs {
                count += block.count
                parameters += Double(block.count) * Double(cost.parameters)
                multiplyAdds += Double(block.count) * cost.multiplyAdds
            }
        }
    }
}

extension BlockCost {
    fileprivate func row(_ block: CostedBlock) -> [String] {
        [
            (block.count > 1 ? "\(block.count) × " : "") + block.name, "\(queries) × \(keys)",
            Double(parameters).grouped, (multiplyAdds / 1e9).fixed(3), (operations / 1e9).fixed(3),
            inputAndOutputBytes.mebibytes, intermediateBytes.mebibytes, affinityBytes.mebibytes,
        ]
    }

    fileprivate func json(_ block: CostedBlock) -> JSON {
        .object([
            "block": .string(block.name),
            "count": .integer(block.count),
            "shape": .shape(block.shape),
            "queries": .integer(queries),
            "keys": .integer(keys),
            "parameters": .integer(parameters),
            "multiply_adds": .number(multiplyAdds),
            "flop": .number(operations),
            "steps": .table(steps.map { (name: $0.name, value: $0.multiplyAdds) }),
            "parameter_bytes": .number(parameterBytes),
            "input_and_output_bytes": .number(inputAndOutputBytes),
            "intermediate_bytes": .number(intermediateBytes),
            "affinity_bytes": .number(affinityBytes),
            "pair_bytes": .number(pairBytes),
        ])
    }
}

extension Double {
    /// In units of 2²⁰.
    fileprivate var mebibytes: String { (self / 0x1p20).fixed(1) }

    /// A whole number in groups of three digits.
    fileprivate var grouped: String {
        let digits = Array(fixed(0))
        return digits.enumerated().map { index, digit in
            let rest = digits.count - index
            return (index > 0 && rest % 3 == 0 ? "," : "") + String(digit)
        }.joined()
    }
}
