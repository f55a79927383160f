import ArgumentParser
import Foundation
import NonLocal
import SwiftOpenCL

struct Tune: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Finds the tiles that suit a GPU, for plans to take.",
        discussion: """
            Tries each size of the tile kernels' work-groups on whole blocks, and on tensor cores each tiling of the \
            warp kernels' fused attention for the widths of the shapes, holds it against the reference, times \
            it, and writes the fastest down by device, driver and version of the kernels. CPU devices need none: \
            their tiles follow from the vector width.

            Example:
              nonlocal tune --device gpu --shape 8x1024x4x14x14 1x512x64x64
            """)

    @Option(
        help: """
            The OpenCL device: its number in `nonlocal devices`, part of its name, gpu or cpu. Without it, \
            what NONLOCAL_DEVICE says, else the best there is.
            """)
    var device: String?

    @Option(
        parsing: .upToNextOption,
        help: "Shapes of x to tune for, such as 8x1024x4x14x14.")
    var shape: [ShapeOption] = [
        ShapeOption(extents: [8, 1024, 4, 14, 14]), ShapeOption(extents: [1, 512, 64, 64]),
    ]

    @Option(
        help: ArgumentHelp(
            "Where to write, instead of where plans look: nonlocal/tuning.json in $XDG_CONFIG_HOME or ~/.config.",
            valueName: "file"))
    var file: String?

    @Flag(help: "Tune a CPU device for the tile kernels, which none takes by itself.")
    var force = false

    @Flag(help: "Print the entry as a JSON object to stdout, all else to stderr.")
    var json = false

    func run() throws {
        let device = try (device.map { DeviceSelector($0) } ?? .automatic).device()
        guard force || device.type != .cpu else {
            throw Failure(
                "'\(device.name)' is a CPU device, whose kernels have nothing to tune",
                advice: "Name a GPU, or try the tile kernels on it with --force.")
        }
        let file = file ?? TuningTable.standardPath
        var table = TuningTable()
        if FileManager.default.fileExists(atPath: file) { table = try TuningTable(trusting: file) }
        Console.note("tuning '\(device.name)'")
        var outcomes: [Tuner.Outcome] = []
        let entry = try Tuner(device).run(shapes: shape.map(\.extents)) { outcome in
            outcomes.append(outcome)
            if let failure = outcome.failure { Console.note("\(outcome.tile) is wrong: \(failure)") }
        }
        table.set(entry)
        let written = table
        try Interruption.writing { try written.write(to: file) }
        Console.note("\(file): \(written.entries.count) device\(written.entries.count == 1 ? "" : "s")")
        if json {
            Console.result(
                .object([
                    "device": .string(entry.device), "driver": .string(entry.driver),
                    "side": .integer(entry.side), "quads": .integer(entry.quads),
                    "depth": .integer(entry.depth), "milliseconds": .number(entry.milliseconds),
                    "warp": .array(entry.warp.map(\.json)),
                ]))
        } else {
            let best = [entry.milliseconds] + entry.warp.map(\.milliseconds)
            let rows = outcomes.map { outcome in
                [
                    outcome.kernels.rawValue, outcome.tile,
                    outcome.seconds.map { ($0 * 1e3).fixed(3) } ?? "wrong",
                    best.contains { $0 == outcome.seconds.map { $0 * 1e3 } } ? "chosen" : "",
                ]
            }
            Console.result(Console.table([["kernels", "tile", "device ms", ""]] + rows))
        }
    }
}

extension TuningTable.WarpChoice {
    fileprivate var json: JSON {
        .object([
            "arithmetic": .string(arithmetic), "width": .integer(width), "values": .integer(values),
            "tiling": .string(tiling), "milliseconds": .number(milliseconds),
        ])
    }
}
