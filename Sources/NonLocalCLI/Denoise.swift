import ArgumentParser
import NonLocal

struct Denoise: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Removes noise from a picture or a clip by exact non-local means over all of it.",
        discussion: """
            Every patch becomes a mean of all patches of the picture, weighted by likeness: the non-local \
            operation with embedded Gaussian affinities. Work grows with the square of the pixels. PNG in and \
            out: grey or colour of 8 bits a channel; alpha is kept, 16 bits become 8.

            With --into any number of frames are denoised together, each written to that folder under its own \
            name. A patch is then compared with those of all frames, or by --scope space of its own frame, by \
            --scope time of its own pixel.

            Examples:
              nonlocal denoise noisy.png clean.png
              nonlocal denoise photo.png out.png --add-noise 15 --noisy noisy.png
              nonlocal denoise frame1.png frame2.png frame3.png --into clean
            """)

    @Argument(
        help: ArgumentHelp(
            "The picture and the result, PNG; with --into all are frames of a clip.", valueName: "file"))
    var files: [String]

    @Option(
        help: ArgumentHelp(
            "The folder that the results are written to, which has to be there.", valueName: "folder"))
    var into: String?

    @Option(help: "What a patch of a clip is compared with: all frames, its own frame, or its own pixel.")
    var scope: Scope = .spacetime

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

    @Option(help: "Write the picture with the added noise, PNG; with --into, a folder for the frames.")
    var noisy: OutputPath?

    @OptionGroup(title: "Backend") var backend: BackendOptions

    @Option(
        name: .customLong("validate"),
        help: "How many rows of an OpenCL result are compared with the reference: none, some or all.")
    var validation: ValidationLevel = .sampled

    @Flag(help: "Print a JSON object to stdout, all else to stderr.")
    var json = false

    func validate() throws {
        guard into != nil || files.count == 2 else {
            throw ValidationError(
                "Name the picture and the result, or any number of frames and --into a folder.")
        }
        if addNoise == nil, seed != nil || noisy != nil {
            throw ValidationError("--seed and --noisy go with --add-noise.")
        }
        if into == nil, let noisy, noisy.path == files[1] {
            throw ValidationError("The output and --noisy name the same file.")
        }
        if let into, let noisy, noisy.path == into {
            throw ValidationError("--into and --noisy name the same folder.")
        }
        if into == nil, scope != .spacetime {
            throw ValidationError("--scope goes with the frames of a clip: --into a folder.")
        }
        if into != nil, reference != nil {
            throw ValidationError("--reference goes with one picture.")
        }
    }

    private var inputs: [String] { into == nil ? [files[0]] : files }

    /// Where the results go: to the name given, or to the frames' own names in the folder given.
    private func outputs() throws -> [OutputPath] {
        guard let into else { return [OutputPath(argument: files[1])] }
        return try OutputPath.names(of: inputs, in: into)
    }

    /// Where the noisy pictures go, if that is wanted.
    private func noisyOutputs() throws -> [OutputPath] {
        guard let noisy else { return [] }
        return into == nil ? [noisy] : try OutputPath.names(of: inputs, in: noisy.path)
    }

    func run() throws {
        try Picture.requireSupport()
        let (outputs, noisyOutputs) = (try outputs(), try noisyOutputs())
        for output in outputs + noisyOutputs { try output.check() }
        let original = try Clip(png: inputs)
        let clean = try cleanLevels(for: original)
        var clip = original
        if let addNoise {
            clip = try original.withLevels(
                try NonLocalMeans.addingNoise(to: original.levels(), sigma: addNoise, seed: seed ?? 1))
            try Interruption.writing { try clip.write(png: noisyOutputs.map(\.path)) }
        }

        let levels = try clip.levels()
        let means = NonLocalMeans(
            patch: patch, components: components, strength: strength, sigma: sigma, ownWeight: ownWeight)
        let (scope, backend, validation) = (scope, backend, validation.validation)
        let result = try LongWork.run(isQuiet: backend.quiet) { progress in
            try await means.denoise(
                levels, scope: scope, backend: backend.choice, skip: backend.skip, validation: validation,
                memoryLimit: backend.memoryLimit, launchSeconds: backend.launchSeconds, progress: progress)
        }
        if let plan = result.plan { backend.announce(plan) }
        let denoised = try clip.withLevels(result.picture)
        try Interruption.writing { try denoised.write(png: outputs.map(\.path)) }
        let before = try clean.map { try NonLocalMeans.peakSignalToNoise(of: levels, against: $0) }
        let after = try clean.map { try NonLocalMeans.peakSignalToNoise(of: denoised.levels(), against: $0) }
        report(result, clip, before: before, after: after)
    }

    /// What the result is compared with: the picture named, or the one that noise is added to.
    private func cleanLevels(for clip: Clip) throws -> Tensor<Float>? {
        guard let reference else { return addNoise == nil ? nil : try clip.levels() }
        let clean = try Picture(png: reference)
        guard (clean.width, clean.height, clean.colours) == (clip.width, clip.height, clip.colours)
        else {
            throw Failure(
                "'\(reference)' is \(clean.summary), '\(files[0])' is \(clip.summary)",
                advice: "The reference has to be the same picture without noise.")
        }
        return try clean.levels()
    }

    private func report(_ result: NonLocalMeans.Result, _ clip: Clip, before: Double?, after: Double?) {
        guard json else {
            var lines = [
                "\(into ?? files[1]): \(clip.summary), noise of \(result.sigma.fixed(1)) grey levels"
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
                "frames": .integer(clip.frames.count),
                "width": .integer(clip.width),
                "height": .integer(clip.height),
                "channels": .integer(clip.colours),
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
