import ArgumentParser
import Foundation
import NonLocal

/// For `Scripts/ptx-gate`; of no use to anybody else.
struct Kernels: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes the warp kernels in every configuration, for the compile gate.",
        shouldDisplay: false)

    @Option(help: "The folder to write them to, one file each, and a table of them.")
    var output: String

    func run() throws {
        let folder = URL(fileURLWithPath: output)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var table = ""
        for entry in WarpListing.entries {
            try Data(entry.text.utf8).write(to: folder.appendingPathComponent("\(entry.name).cl"))
            let figures = entry.bounds.map { $0.fixed(1) }.joined(separator: " ")
            table += "\(entry.name) \(entry.takesMore ? 1 : 0) \(figures) \(entry.tiling ?? "")\n"
        }
        try Data(table.utf8).write(to: folder.appendingPathComponent("table"))
    }
}
