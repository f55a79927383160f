import ArgumentParser
import NonLocal

struct Denoise: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Removes noise from a picture by exact non-local means over all of it.",
        discussion: """
            Every patch becomes a mean of all patches of the picture, weighted by likeness: the non-local \
            operation with embedded Gaussian affinities. Work grows with the square of the pixels. PNG in and \
            out: grey or colour of 8 bits a channel; alpha is kept, 16 bits become 8.

            Examples:
              nonlocal denoise noisy.png clean.png
              nonlocal denoise photo.png out.png --add-noise 15 --noisy noisy.png
            """)

    @Argument(help: "The picture, PNG.")
    var input: String

    @Argument(help: "The result, PNG.")
    var output: OutputPath

    @Option(help: "The noise's standard deviation in grey levels of 0 to 255; estimated if not given.")
    var sigma: Double?

    @Option(help: "The side of a patch in pixels, odd.")
    var patch: Int = NonLocalMeans().patch

    @Option(help: "How many principal components of the patches are compared.")
    var components: Int = NonLocalMeans().components

    @Option(help: "How much is smoothed, as a multiple of the noise.")
    var strength: Double = NonLocalMeans().strength

    @Option(help: "What becomes of a patch's own weight.")
    var ownWeight: OwnWeight = NonLocalMeans().ownWeight

    @Option(help: "A picture without noise, PNG: print the PSNR against it.")
    var reference: String?

    @Option(help: "Add Gaussian noise of so many grey levels first, clipped and rounded; print the PSNR.")
    var addNoise: Double?

    @Option(help: "The seed of the added noise (default: 1).")
    var seed: UInt64?

    @Option(help: "Write the picture with the added noise, PNG.")
    var noisy: OutputPath?

    @OptionGroup(title: "Backend") var backend: BackendOptions

    @Option(
        name: .customLong("validate"),
        help: "How many rows of an OpenCL result are compared with the reference: none, some or all.")
    var validation: ValidationLevel = .sampled

    @Flag(help: "Print a JSON object to stdout, all else to stderr.")
    var json = false

    func validate() throws {
        if addNoise == nil, seed != nil || noisy != nil {
            throw ValidationError("--seed and --noisy go with --add-noise.")
        }
        if let noisy, noisy.path == output.path {
            throw ValidationError("The output and --noisy name the same file.")
        }
    }

    func run() throws {
        try Picture.requireSupport()
        try output.check()
        try noisy?.check()
        let original = try Picture(png: input)
        let clean = try cleanLevels(for: original)
        var picture = original
        if let addNoise {
            picture = original.withLevels(
                try NonLocalMeans.addingNoise(to: original.levels(), sigma: addNoise, seed: seed ?? 1))
            if let noisy { try picture.write(png: noisy.path) }
        }

        let levels = try picture.levels()
        let means = NonLocalMeans(
            patch: patch, components: components, strength: strength, sigma: sigma, ownWeight: ownWeight)
        let result = try means.denoise(
            levels, backend: backend.choice, skip: backend.skip, validation: validation.validation,
            memoryLimit: backend.memoryLimit)
        if let plan = result.plan { backend.announce(plan.backend, device: plan.device) }
        let denoised = picture.withLevels(result.picture)
        try denoised.write(png: output.path)
        let before = try clean.map { try NonLocalMeans.peakSignalToNoise(of: levels, against: $0) }
        let after = try clean.map { try NonLocalMeans.peakSignalToNoise(of: denoised.levels(), against: $0) }
        report(result, picture, before: before, after: after)
    }

    /// What the result is compared with: the picture named, or the one that noise is added to.
    private func cleanLevels(for picture: Picture) throws -> Tensor<Float>? {
        guard let reference else { return addNoise == nil ? nil : try picture.levels() }
        let clean = try Picture(png: reference)
        guard (clean.width, clean.height, clean.colours) == (picture.width, picture.height, picture.colours)
        else {
            throw Failure(
                "'\(reference)' is \(clean.summary), '\(input)' is \(picture.summary)",
                advice: "The reference has to be the same picture without noise.")
        }
        return try clean.levels()
    }

    private func report(_ result: NonLocalMeans.Result, _ picture: Picture, before: Double?, after: Double?) {
        guard json else {
            var lines = [
                "\(output.path): \(picture.summary), noise of \(result.sigma.fixed(1)) grey levels"
                    + (sigma == nil ? " (estimated)" : "")
            ]
            if let before, let after {
                lines.append("PSNR \(before.fixed(2)) dB before, \(after.fixed(2)) dB after")
            }
            if let operation = result.operation, let plan = result.plan {
                lines.append(
                    "\((operation.seconds * 1e3).fixed(0)) ms, \(plan.strategy.rawValue) on "
                        + (plan.device ?? "the CPU reference"))
                lines.append(operation.validation.summary)
                if let share = describe(computedShare: operation.computedShare) { Console.note(share) }
            }
            Console.result(lines.joined(separator: "\n"))
            return
        }
        let validation = result.operation?.validation
        Console.result(
            .object([
                "backend": .string(result.plan?.backend),
                "device": .string(result.plan?.device),
                "strategy": .string(result.plan?.strategy.rawValue),
                "width": .integer(picture.width),
                "height": .integer(picture.height),
                "channels": .integer(picture.colours),
                "sigma": .number(result.sigma),
                "sigma_estimated": .bool(sigma == nil),
                "psnr_before": .number(before),
                "psnr_after": .number(after),
                "milliseconds": .number(result.operation.map { $0.seconds * 1e3 }),
                "computed_share": .number(result.operation?.computedShare),
                "validated_rows": .integer(validation?.rows ?? 0),
                "max_rel_error": .number(validation?.maxRelativeError),
                "tolerance": .number(validation?.tolerance),
            ]))
    }
}
