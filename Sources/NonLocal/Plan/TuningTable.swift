import Foundation
import NonLocalKernels
import SwiftOpenCL

/// Which tiles suit which devices, as `nonlocal tune` measured: a JSON file for people to read, and for plans.
///
///     { "entries" : [ { "device" : "…", "driver" : "…", "kernels" : "…", "side" : 16, "quads" : 2, … } ] }
public struct TuningTable: Sendable, Hashable, Codable {
    /// What was found for one device.
    public struct Entry: Sendable, Hashable, Codable {
        /// The device's name.
        public let device: String
        /// The version of its driver.
        public let driver: String
        /// What the kernels' sources were; others may want another tile.
        public let kernels: String
        /// The tile's work-items along each side of a work-group.
        public let side: Int
        /// Its quads of rows, and of columns, for each work-item.
        public let quads: Int
        /// Its terms of a slice in local memory.
        public let depth: Int
        /// What it was chosen by, such as `1x1024x4x14x14`.
        public let shapes: [String]
        /// Milliseconds of device time for all of them.
        public let milliseconds: Double
        /// What was found for the warp kernels, if the device has tensor cores.
        public var warp: [WarpChoice] = []
    }

    /// The tiling of the warp kernels' fused attention that was the fastest for some widths.
    public struct WarpChoice: Sendable, Hashable, Codable {
        /// `float16` or `float32`; bfloat16 takes what float16 does.
        public let arithmetic: String
        /// The widest θ and φ that it is meant for.
        public let width: Int
        /// The most channels of g, likewise.
        public let values: Int
        /// The tiling in words.
        public let tiling: String
        /// What it was chosen by.
        public let shapes: [String]
        /// Milliseconds of device time for all of them.
        public let milliseconds: Double
    }

    /// What was found, a device after the other.
    public private(set) var entries: [Entry] = []

    /// Larger files are nothing that was written here.
    private static let mostBytes = 1 << 20

    /// A table without entries.
    public init() {}

    /// Where plans look for the table: `nonlocal/tuning.json` in `$XDG_CONFIG_HOME`, or in `~/.config`.
    public static var standardPath: String {
        let environment = ProcessInfo.processInfo.environment
        let folder = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        return "\(folder ?? NSHomeDirectory() + "/.config")/nonlocal/tuning.json"
    }

    /// Reads a table, if it can be trusted.
    ///
    /// - Throws: ``NonLocalError/Code/file`` if it can't be read, is another user's or may be written by others;
    ///   ``NonLocalError/Code/format`` if it is no such table.
    public init(trusting path: String) throws(NonLocalError) {
        let file = try InputFile(path)
        try file.requireTrusted()
        guard file.size <= Self.mostBytes else { throw Self.damaged(path, "it has \(file.size) bytes") }
        do {
            entries = try Self.entries(in: file.bytes(file.size, at: 0))
        } catch let error as NonLocalError {
            throw error
        } catch let failure as HeaderFailure {
            throw Self.damaged(path, "byte \(failure.position): \(failure.message)")
        } catch {
            throw Self.damaged(path, "\(error)")
        }
    }

    private static func damaged(_ path: String, _ reason: String) -> NonLocalError {
        NonLocalError(
            .format, "'\(path)' is no table of tiles: \(reason)",
            advice: "Remove it, and run `nonlocal tune` again.")
    }

    /// Puts an entry in place of what was known of the same device.
    public mutating func set(_ entry: Entry) {
        entries.removeAll {
            $0.device == entry.device && $0.driver == entry.driver && $0.kernels == entry.kernels
        }
        entries.append(entry)
    }

    /// Writes the table, whose folder is made if need be.
    ///
    /// - Throws: ``NonLocalError/Code/file`` with the system's reason.
    public func write(to path: String) throws {
        let folder = URL(filePath: path).deletingLastPathComponent().path()
        try? FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let bytes = try [UInt8](encoder.encode(self)) + [UInt8(ascii: "\n")]
        try OutputFile.write(to: path) { file in
            // Before it has its name: what others may open meanwhile, they may write to later.
            guard fchmod(file.fileDescriptor, 0o600) == 0 else {
                throw NonLocalError(.file, "can't write '\(path)': \(systemReason())")
            }
            try file.write(bytes)
        }
    }

    /// What is known of a device with this driver and these kernels.
    private func entry(for device: Device) -> Entry? {
        entries.last {
            $0.device == device.name && $0.driver == device.driverVersion && $0.kernels == Self.kernelVersion
        }
    }

    /// The tile for a device, if it was tuned with this driver and these kernels and can have that tile.
    func tile(for device: Device) -> GroupTile? {
        guard let entry = entry(for: device) else { return nil }
        return GroupTile.candidates(device).first {
            ($0.side, $0.quads, $0.depth) == (entry.side, entry.quads, entry.depth)
        }
    }

    /// Tiles of the warp kernels that are to take the place of the usual ones.
    func warpTiles(for device: Device, _ arithmetic: WarpTile.Arithmetic) -> [WarpTile] {
        (entry(for: device)?.warp ?? []).compactMap { choice in
            guard choice.arithmetic == (arithmetic == .float32 ? arithmetic : .float16).rawValue else {
                return nil
            }
            return WarpTile.table(arithmetic).lazy.flatMap { WarpTile.candidates(arithmetic, like: $0) }.first
            {
                ($0.width, $0.values, $0.name) == (choice.width, choice.values, choice.tiling)
            }
        }
    }

    /// Changes with every change of the tile and the warp kernels' sources (FNV-1a).
    static let kernelVersion: String = {
        let sources = Set(
            KernelSource.tiledProduct + KernelSource.tiledSoftmax + KernelSource.tiledAttention
                + KernelSource.tiledSorted + KernelSource.warpAttentions)
        let text = KernelSource.allCases.filter(sources.contains).map(\.text).joined()
        let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }()
}
