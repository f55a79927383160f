import ArgumentParser
import NonLocal

struct Map: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draws what positions of a picture, a clip or a tensor attend to.",
        discussion: """
            Of pictures alone, patches are compared as in `denoise`, by their principal components. With \
            --input and --weights it is a trained block on a tensor; pictures are then what its positions show, \
            as many as the tensor has frames. For each query the page has the frames with the query boxed and \
            arrows to the strongest keys, and the heat map over the frames.

            --show weight is the affinity after normalisation, p_ij; --show contribution is what position j \
            really adds, p_ij·‖W_z g(x_j)‖. Where maps of several queries hardly differ, their overlap is near 1.

            Examples:
              nonlocal map photo.png --output map.png --at 120,80
              nonlocal map frame1.png frame2.png frame3.png --output map.png --at 60,90,0 --at 200,40,1
              nonlocal map photo.png --input x.npy --weights block.safetensors --output map.png --npy map.npy
            """)

    @Argument(help: ArgumentHelp("The picture, or the frames of a clip in order, PNG.", valueName: "frame"))
    var frames: [String] = []

    @Option(help: "The page that is drawn, PNG.")
    var output: OutputPath

    @Option(
        help: ArgumentHelp(
            "A query: column and row in pixels of the picture (of the tensor, without one), and frame, from 0; "
                + "may be given again. Without it four are spread over the middle frame.",
            valueName: "x,y[,t]"))
    var at: [PixelOption] = []

    @Option(help: "What is drawn.")
    var show: AttentionMaps.Quantity = .weight

    @Option(
        help: ArgumentHelp(
            "Also write the numbers, [queries, T', H', W'] over the keys, .npy.", valueName: "file"))
    var npy: OutputPath?

    @Option(help: "A tensor x, .npy, in place of what the pictures show.")
    var input: String?

    @Option(help: "The weights of the block that sees it, .safetensors.")
    var weights: String?

    @Option(help: "The item of the tensor's batch.")
    var item: Int = 0

    @OptionGroup var source: WeightsOptions
    @OptionGroup(title: "Block") var block: BlockOptions

    @Option(help: "Of pictures: the side of a patch in pixels, odd.")
    var patch: Int = 5

    @Option(help: "Of pictures: how many principal components of the patches are compared.")
    var components: Int = 8

    @Option(
        help: ArgumentHelp(
            "Of pictures: the difference of two patches, in grey levels a pixel, that leaves 61 % of an affinity; "
                + "by default such that a query attends to about 2 % of all positions.",
            valueName: "levels"))
    var bandwidth: Double?

    @Option(help: "How many of the strongest keys get an arrow, as far as they are on the scale.")
    var arrows: Int = 20

    @Option(help: "The scale of the colours; automatic is logarithmic where few weights stand out.")
    var tone: HeatScale.Tone = .automatic

    @Option(help: "The width of the page in pixels; more where frames would become too small.")
    var width: Int = 1280

    @OptionGroup(title: "Backend") var backend: BackendOptions

    @Option(
        name: .customLong("validate"),
        help: "How many rows of an OpenCL result are compared with the reference: none, some or all.")
    var validation: ValidationLevel = .sampled

    @Flag(help: "Print a JSON object to stdout, all else to stderr.")
    var json = false

    func validate() throws {
        guard (input == nil) == (weights == nil) else {
            throw ValidationError("--input and --weights go together.")
        }
        guard input != nil || !frames.isEmpty else {
            throw ValidationError("Name a picture, or --input and --weights.")
        }
        if input == nil {
            if block.pairwise != nil || block.subsample != nil || block.pool != nil || block.scale != nil
                || block.layout != nil || source.prefix != nil || source.dialect != .automatic
                || source.groupNorm != nil || item != 0
            {
                throw ValidationError("Of the block's options pictures alone take --scope and --own-weight.")
            }
        }
        if input != nil, bandwidth != nil {
            throw ValidationError("--bandwidth goes with pictures alone.")
        }
        guard arrows >= 0, (64...20_000).contains(width) else {
            throw ValidationError("--arrows takes a number from 0, --width one from 64 to 20000.")
        }
        if let npy, npy.path == output.path {
            throw ValidationError("--output and --npy name the same file.")
        }
    }

    func run() throws {
        try Picture.requireSupport()
        try output.check()
        try npy?.check()
        let clip = frames.isEmpty ? nil : try Clip(png: frames)
        let subject = try input == nil ? clip.map(patches) : tensor(clip)
        guard let (block, x, queries) = subject else { throw Failure("no picture and no tensor is named") }
        let (item, show, backend, validation) = (item, show, backend, validation.validation)
        let maps = try LongWork.run(isQuiet: backend.quiet) { progress in
            try await AttentionMaps(
                of: block, x, at: queries, item: item, quantity: show, backend: backend.choice,
                validation: validation, memoryLimit: backend.memoryLimit, progress: progress)
        }
        backend.announce(maps.plan)
        // Keys finer than what an eye tells apart would crowd around one place.
        let apart = Double(max(maps.extents[1], maps.extents[2])) / 40
        let peaks = queries.indices.map { maps.strongest(arrows, of: $0, apart: max(apart, 1)) }
        let page = try MapPage(maps, clip: clip, peaks: peaks, tone: tone, width: width).draw()
        try Interruption.writing {
            try npy.map { try maps.values.reshaped([queries.count] + maps.keyExtents).write(npy: $0.path) }
            try page.picture().write(png: output.path)
        }
        report(maps, peaks)
    }

    private typealias Subject = (block: NonLocalBlock, x: Tensor<Float>, queries: [GridPosition])

    /// A trained block, what it sees, and the positions to look from.
    private func tensor(_ clip: Clip?) throws -> Subject {
        let x = try Tensor<Float>(npy: input ?? "")
        let block = try source.block(reading: weights ?? "", self.block).block
        let extents = try AttentionMaps.extents(of: x, for: block)
        if let clip, clip.frames.count != extents[0] {
            throw Failure(
                "\(clip.frames.count) pictures for the \(extents[0]) frames of '\(input ?? "")'",
                advice: "Name as many pictures as the tensor has frames, or none.")
        }
        return (block, x, try queries(in: extents, clip))
    }

    /// The comparison of the pictures' patches.
    private func patches(_ clip: Clip) throws -> Subject {
        let queries = try queries(in: [clip.frames.count, clip.height, clip.width], clip)
        let means = NonLocalMeans(
            patch: patch, components: components, ownWeight: block.ownWeight ?? .strongest)
        let comparison = try means.comparison(
            of: clip.levels(), bandwidth: bandwidth.map { .levels($0) } ?? .share(0.02, from: queries),
            scope: block.scope ?? .spacetime)
        Console.note("bandwidth \(comparison.bandwidth.fixed(1)) grey levels")
        return (comparison.block, comparison.x, queries)
    }

    private func queries(in extents: [Int], _ clip: Clip?) throws -> [GridPosition] {
        try at.isEmpty
            ? AttentionMaps.spreadQueries(over: extents) : at.map { try $0.position(in: extents, clip) }
    }

    private func report(_ maps: AttentionMaps, _ peaks: [[AttentionMaps.Peak]]) {
        guard json else {
            func size(_ extents: [Int]) -> String { extents.map(String.init).joined(separator: "×") }
            var lines = [
                "\(output.path): \(show.rawValue) of \(maps.queries.count) "
                    + "quer\(maps.queries.count == 1 ? "y" : "ies") over \(size(maps.extents)) positions, "
                    + "\(size(maps.keyExtents)) keys"
            ]
            if let overlap = maps.overlap {
                lines.append(
                    "overlap of the maps \(overlap.fixed(3)), 1 where they do not depend on the query")
            }
            Console.result(lines.joined(separator: "\n"))
            return
        }
        let queries = zip(maps.queries, peaks).map { query, peaks in
            JSON.object([
                "t": .integer(query.t), "h": .integer(query.h), "w": .integer(query.w),
                "strongest": .array(
                    peaks.map { peak in
                        .object([
                            "t": .number(peak.t), "h": .number(peak.h), "w": .number(peak.w),
                            "value": .number(Double(peak.value)),
                        ])
                    }),
            ])
        }
        Console.result(
            .object([
                "backend": .string(maps.plan.backend),
                "device": .string(maps.plan.device),
                "quantity": .string(show.rawValue),
                "extents": .shape(maps.extents),
                "key_extents": .shape(maps.keyExtents),
                "overlap": .number(maps.overlap),
                "queries": .array(queries),
            ]))
    }
}

/// `x,y` or `x,y,t`, counted from 0.
struct PixelOption: ExpressibleByArgument {
    let numbers: [Int]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        numbers = parts.compactMap { Int($0) }
        guard numbers.count == parts.count, (2...3).contains(numbers.count), numbers.allSatisfy({ $0 >= 0 })
        else { return nil }
    }

    /// The position of x that the pixel shows.
    ///
    /// - Parameters:
    ///   - extents: T, H and W of x.
    ///   - clip: whose pixels are meant; the positions of x themselves without.
    func position(in extents: [Int], _ clip: Clip?) throws -> GridPosition {
        let (x, y, t) = (numbers[0], numbers[1], numbers.count == 3 ? numbers[2] : 0)
        let (width, height) = clip.map { ($0.width, $0.height) } ?? (extents[2], extents[1])
        guard x < width, y < height, t < extents[0] else {
            throw Failure(
                "--at \(numbers.map(String.init).joined(separator: ",")) is outside of "
                    + "\(extents[0]) × \(width)×\(height)",
                advice: "It takes the column, the row and the frame, from 0.")
        }
        return GridPosition(t: t, h: y * extents[1] / height, w: x * extents[2] / width)
    }
}
