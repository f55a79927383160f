import ArgumentParser
import NonLocal

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs a trained block on a tensor: z = W_z y + x.",
        discussion: """
            The input is a .npy file of shape [B, C, L], [B, C, H, W] or [B, C, T, H, W]; the weights are a \
            safetensors file with the names that mmcv, AlexHex7, SlowFast, pytorchvideo, Caffe2, Keras, LDM \
            or diffusers give them. What such blocks imply (pooling, scale, layout) is the default; options \
            win.

            Example:
              nonlocal run --input x.npy --weights block.safetensors --output z.npy --json
            """)

    @Option(help: "The input x, .npy.")
    var input: String

    @Option(help: "The block's weights, .safetensors.")
    var weights: String

    @Option(help: "The result z, .npy.")
    var output: OutputPath

    @OptionGroup var source: WeightsOptions
    @OptionGroup(title: "Block") var block: BlockOptions
    @OptionGroup(title: "Backend") var backend: BackendOptions

    @Option(
        name: .customLong("validate"),
        help: "How many rows of an OpenCL result are compared with the reference: none, some or all.")
    var validation: ValidationLevel = .sampled

    @Option(help: Absorption.help)
    var absorb: Absorption = .automatic

    @Option(help: Checksums.help)
    var checksums: Checksums = .off

    @Option(help: Precision.help)
    var precision: Precision = .float32

    @Option(help: "How the result is computed.")
    var strategy: Strategy = .automatic

    @Option(help: ArgumentHelp("Also write the normalised affinities, [B, N, M], .npy.", valueName: "file"))
    var attention: OutputPath?

    @Flag(help: "Let NaN and infinity in the input through.")
    var allowNonfinite = false

    @Flag(help: "Print the plan, with operations, bytes and memory, before running it.")
    var explain = false

    @Flag(help: "Print a JSON object to stdout, all else to stderr.")
    var json = false

    func run() throws {
        try output.check()
        try attention?.check()
        let x = try Tensor<Float>(npy: input)
        let (file, block) = try source.block(reading: weights, self.block)
        let prepared = try block.prepared(
            for: x.shape, backend: backend.choice, precision: precision, strategy: strategy,
            skip: backend.skip, absorb: absorb, validation: validation.validation, checksums: checksums,
            memoryLimit: backend.memoryLimit,
            launchSeconds: backend.launchSeconds, allowNonFinite: allowNonfinite)
        let plan = prepared.plan
        backend.announce(plan)
        if explain { json ? Console.note(plan.description) : Console.result(plan.description) }

        let result = try LongWork.run(isQuiet: backend.quiet) { try await prepared.run(x, progress: $0) }
        let affinities = try attention.map { (path: $0.path, tensor: try prepared.attention(x)) }
        try Interruption.writing {
            try affinities?.tensor.write(npy: affinities?.path ?? "")
            try result.output.write(npy: output.path)
        }
        report(result, plan, file, block.configuration, inputShape: x.shape)
    }

    func validate() throws {
        if let attention, attention.path == output.path {
            throw ValidationError("--output and --attention name the same file.")
        }
    }

    private func report(
        _ result: BlockResult, _ plan: Plan, _ file: BlockFile, _ configuration: NonLocalBlock.Configuration,
        inputShape: [Int]
    ) {
        let milliseconds = result.seconds * 1e3
        let gflops = plan.textbookOperations / result.seconds / 1e9
        let validation = result.validation
        guard json else {
            Console.result(
                """
                \(output.path): z of shape \(result.output.shape)
                \(milliseconds.fixed(3)) ms, \(gflops.fixed(1)) GFLOP/s, \(plan.strategy.rawValue) on \
                \(plan.device ?? "the CPU reference")
                \(validation.summary)
                """)
            if let share = describe(computedShare: result.computedShare) { Console.note(share) }
            return
        }
        Console.result(
            .object([
                "backend": .string(plan.backend),
                "device": .string(plan.device),
                "dialect": .string(file.dialect.rawValue),
                "prefix": .string(file.prefix),
                "pairwise": .string(configuration.pairwise.name),
                "subsample": .string(configuration.subsample.rawValue),
                "scope": .string(configuration.scope.rawValue),
                "input_shape": .shape(inputShape),
                "output_shape": .shape(result.output.shape),
                "strategy": .string(plan.strategy.rawValue),
                "precision": .string((result.precision ?? plan.precision).rawValue),
                "milliseconds": .number(milliseconds),
                "device_milliseconds": .number(result.deviceSeconds.map { $0 * 1e3 }),
                "gflops": .number(gflops),
                "computed_share": .number(result.computedShare),
                "validated_rows": .integer(validation.rows),
                "validation_ms": .number(
                    validation.rows + validation.sums > 0 ? validation.seconds * 1e3 : nil),
                "validated_sums": .integer(validation.sums),
                "max_abs_error": .number(validation.maxAbsoluteError),
                "max_rel_error": .number(validation.maxRelativeError),
                "tolerance": .number(validation.tolerance),
            ]))
    }
}
