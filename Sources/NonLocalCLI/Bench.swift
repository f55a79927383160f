import ArgumentParser
import NonLocal
import SwiftOpenCL

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Times random blocks of given shapes.",
        discussion: """
            GFLOP are counted by the formulas, a multiply-add as two. With --bare the non-local operation \
            alone is timed, on θ, φ and g of the shape. Results are not validated unless --validate says so; \
            validation is not part of the times.

            Examples:
              nonlocal bench --shape 8x1024x4x14x14 8x512x4x28x28 --subsample conv-first
              nonlocal bench --shape 1x512x64x64 --inner 512 --scale sqrt --group-norm 32
              nonlocal bench --bare --shape 1x512x3136 --json
            """)

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Shapes of x, such as 8x1024x4x14x14.", valueName: "shape"))
    var shape: [ShapeOption] = [ShapeOption(extents: [1, 1024, 4, 14, 14])]

    @Option(help: ArgumentHelp("d, the channels of θ and φ (default: half of C).", valueName: "d"))
    var inner: Int?

    @Option(help: ArgumentHelp("The channels of g (default: d).", valueName: "d_v"))
    var valueChannels: Int?

    @Option(
        help: ArgumentHelp(
            "A group norm in front, as in latent-diffusion autoencoders: its number of groups.",
            valueName: "groups"))
    var groupNorm: Int?

    @OptionGroup(title: "Block") var block: BlockOptions
    @OptionGroup(title: "Backend") var backend: BackendOptions

    @Option(help: Precision.help)
    var precision: Precision = .float32

    @Option(help: "How the result is computed.")
    var strategy: Strategy = .automatic

    @Option(help: "How many times to run; by default until 2 seconds are over, from 5 to 50 times.")
    var runs: Int?

    @Option(
        name: .customLong("validate"),
        help: "How many rows of each OpenCL result are compared with the reference: none, some or all.")
    var validation: ValidationLevel = .off

    @Option(help: Absorption.help)
    var absorb: Absorption = .automatic

    @Option(help: Checksums.help)
    var checksums: Checksums = .off

    @Flag(help: "Time the operation alone, without projections; C is d then.")
    var bare = false

    @Flag(help: "Print what each kernel takes, too; --json always holds it, in milliseconds by name.")
    var profile = false

    @Flag(help: "Print a JSON array to stdout, one object for each shape.")
    var json = false

    func validate() throws {
        if let runs, runs < 1 { throw ValidationError("--runs takes a positive number.") }
        guard bare else { return }
        if inner != nil { throw ValidationError("With --bare d is the shape's C: leave --inner out.") }
        if block.subsample != nil || block.pool != nil || block.scope != nil || block.layout != nil {
            throw ValidationError("--subsample, --pool, --scope and --layout need a block: leave --bare out.")
        }
        if absorb == .on { throw ValidationError("--absorb needs a block: leave --bare out.") }
        if checksums == .on { throw ValidationError("--checksums needs a block: leave --bare out.") }
        if groupNorm != nil { throw ValidationError("--group-norm needs a block: leave --bare out.") }
    }

    func run() throws {
        if validation == .off, checksums != .on {
            Console.note("times are of results that are not validated; `nonlocal verify` checks the device")
        }
        var roof: Roof?
        var timings: [Timing] = []
        for (index, option) in shape.enumerated() {
            let workload = try bare ? bareWorkload(option.extents) : blockWorkload(option.extents)
            if index == 0 {
                backend.announce(workload.plan)
                if workload.plan.device != nil { roof = try Roof(backend.selector.device()) }
                if workload.plan.kernels == .warp {
                    Console.note(
                        "the roof is float32's without tensor cores, by which these kernels may go beyond it")
                }
            }
            let timing = try Timing(workload, runs: runs, roof: roof)
            if let share = describe(computedShare: timing.computedShare) {
                Console.note("\(option): \(share)")
            }
            timings.append(timing)
        }
        if json {
            Console.result(.array(timings.map(\.json)))
        } else {
            Console.result(Console.table([Timing.heading] + timings.map(\.row)))
            let kernels = timings.flatMap(\.kernelRows)
            if profile, !kernels.isEmpty {
                Console.result(Console.table([Timing.kernelHeading] + kernels))
            }
        }
    }

    private func blockWorkload(_ shape: [Int]) throws -> Workload {
        let channelsLast = block.layout == .channelsLast
        guard shape.count >= 3 else {
            throw NonLocalError(
                .shape, "\(ShapeOption(extents: shape)) is no shape of x", advice: "Use BxCxTxHxW.")
        }
        var configuration = NonLocalBlock.Configuration(
            channels: shape[channelsLast ? shape.count - 1 : 1], innerChannels: inner,
            valueChannels: valueChannels, pairwise: block.pairwise?.pairwise ?? .embeddedGaussian)
        try block.apply(to: &configuration)
        var weights = try BlockWeights.random(for: configuration, seed: 1, zeroInitialized: false)
        if let groupNorm {
            weights.groupNorm = .init(
                groups: groupNorm, scale: try Tensor(repeating: 1, shape: [configuration.channels]),
                shift: try Tensor(repeating: 0, shape: [configuration.channels]))
        }
        let prepared = try NonLocalBlock(configuration, weights: weights).prepared(
            for: shape, backend: backend.choice, precision: precision, strategy: strategy,
            skip: backend.skip, absorb: absorb, validation: validation.validation, checksums: checksums,
            memoryLimit: backend.memoryLimit, launchSeconds: backend.launchSeconds)
        let x = try Tensor<Float>.normal(shape: shape, seed: 2)
        return Workload(shape: shape, plan: prepared.plan) { try prepared.run(x).report }
    }

    private func bareWorkload(_ shape: [Int]) throws -> Workload {
        guard shape.count >= 3 else {
            throw NonLocalError(
                .shape, "\(ShapeOption(extents: shape)) is no shape of θ", advice: "Use BxdxN.")
        }
        var gShape = shape
        gShape[1] = valueChannels ?? shape[1]
        let pairwise = block.pairwise?.pairwise ?? .embeddedGaussian
        var operation = NonLocalOperation(
            pairwise: pairwise, scale: block.scale?.scale ?? .none, ownWeight: block.ownWeight ?? .include)
        if pairwise == .concatenation {
            let (entries, overflow) = shape[1].multipliedReportingOverflow(by: 2)
            operation.pairwiseWeight = .init(weight: try .normal(shape: [overflow ? -1 : entries], seed: 4))
        }
        let prepared = try operation.prepared(
            theta: shape, phi: shape, g: gShape, backend: backend.choice, precision: precision,
            strategy: strategy, skip: backend.skip, validation: validation.validation,
            memoryLimit: backend.memoryLimit, launchSeconds: backend.launchSeconds)
        let theta = try Tensor<Float>.normal(shape: shape, seed: 1)
        let phi = try Tensor<Float>.normal(shape: shape, seed: 2)
        let g = try Tensor<Float>.normal(shape: gShape, seed: 3)
        return Workload(shape: shape, plan: prepared.plan) {
            try prepared.run(theta: theta, phi: phi, g: g).report
        }
    }
}

/// Positive extents with an x between them.
struct ShapeOption: ExpressibleByArgument, CustomStringConvertible {
    let extents: [Int]

    init(extents: [Int]) { self.extents = extents }

    init?(argument: String) {
        let parts = argument.split(separator: "x", omittingEmptySubsequences: false)
        extents = parts.compactMap { Int($0) }
        guard extents.count == parts.count, extents.allSatisfy({ $0 > 0 }) else { return nil }
    }

    var description: String { extents.map(String.init).joined(separator: "x") }
    var defaultValueDescription: String { description }
}
