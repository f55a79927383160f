import Foundation
import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// The table of tiles, and the tuner that fills it.
@Suite struct TuningTests {
    private let path = NSTemporaryDirectory() + "nonlocal-tuning-\(UUID().uuidString)/deep/tuning.json"

    private func entry(_ device: String, quads: Int, kernels: String = "k", driver: String = "1")
        -> TuningTable.Entry
    {
        TuningTable.Entry(
            device: device, driver: driver, kernels: kernels, side: 8, quads: quads, depth: 8,
            shapes: ["1x4x9"], milliseconds: 1.5,
            warp: [
                TuningTable.WarpChoice(
                    arithmetic: "float16", width: 64, values: 64, tiling: "1×1 \"warps\"", shapes: ["1x4x9"],
                    milliseconds: 0.25)
            ])
    }

    @Test func comesBackFromItsFile() throws {
        var table = TuningTable()
        table.set(entry("a", quads: 1))
        table.set(entry("b", quads: 1))
        table.set(entry("a", quads: 2))
        table.set(entry("a", quads: 1, kernels: "other"))
        #expect(table.entries.map(\.quads) == [1, 2, 1])
        try table.write(to: path)
        #expect(try TuningTable(trusting: path) == table)
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test(arguments: [0o620, 0o602, 0o666] as [mode_t]) func whatOthersMayWriteIsNotTrusted(_ mode: mode_t)
        throws
    {
        try TuningTable().write(to: path)
        chmod(path, mode)
        #expect(
            failure(.file) { _ = try TuningTable(trusting: path) }?.message.contains("not trusted") == true)
    }

    @Test(arguments: [
        "", "{", "[]", "{\"entries\": 3}", "{\"entries\": [{\"device\": \"a\"}]}",
        "{\"entries\": [{\"device\": \"a\", \"driver\": \"b\", \"kernels\": \"c\", \"side\": 1e99}]}",
        "{\"entries\": [{\"device\": \"a\", \"driver\": \"b\", \"kernels\": \"c\", \"side\": -1}]}",
        "{\"entries\": [{\"warp\": [{\"arithmetic\": \"float16\"}]}]}", "{\"entries\": [{\"warp\": 3}]}",
        "{\"entries\": []} more", "{\"entries\": [], \"entries\": []}", "{}",
        String(repeating: "[", count: 513), String(repeating: " ", count: 1 << 20) + "{}",
    ]) func damagedOnesAreRefused(_ text: String) throws {
        try TuningTable().write(to: path)
        try Data(text.utf8).write(to: URL(filePath: path))
        chmod(path, 0o600)
        #expect(failure(.format) { _ = try TuningTable(trusting: path) }?.advice.contains("tune") == true)
    }

    /// Only the superuser can give a file away.
    @Test(.enabled(if: geteuid() == 0)) func anotherUsersIsNotTrusted() throws {
        try TuningTable().write(to: path)
        try #require(chown(path, 65534, 65534) == 0)
        #expect(
            failure(.file) { _ = try TuningTable(trusting: path) }?.message.contains("another user's") == true
        )
    }

    /// A link is as good as what it leads to.
    @Test func linksAreFollowedToWhatIsTrusted() throws {
        try TuningTable().write(to: path)
        let link = path + ".link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
        #expect(try TuningTable(trusting: link) == TuningTable())
        chmod(path, 0o666)
        #expect(failure(.file) { _ = try TuningTable(trusting: link) } != nil)
    }

    @Test func noneIsAnError() { #expect(failure(.file) { _ = try TuningTable(trusting: path) } != nil) }

    /// The warp kernels' tilings are tried by their twin; plans take the one in the table, if it is one of theirs.
    @Test(.needsDevice) func plansTakeTheTilingsThatWereFound() throws {
        let device = try TestDevice.session().device
        var outcomes: [Tuner.Outcome] = []
        let shape = [1, 4, 30]
        let found = try Tuner(TestDevice.session(), includesWarp: true).run(shapes: [shape]) {
            outcomes.append($0)
        }
        let ofWarp = outcomes.filter { $0.kernels == .warp }
        let candidates = [WarpTile.Arithmetic.float16, .float32].map {
            WarpTile.candidates($0, like: WarpTile.table($0)[0])
        }
        #expect(
            ofWarp.count == candidates.reduce(0) { $0 + $1.count } && ofWarp.allSatisfy { $0.failure == nil })
        #expect(found.warp.map(\.arithmetic) == ["float16", "float32"])
        for (choice, tiles) in zip(found.warp, candidates) {
            #expect(tiles.contains { $0.name == choice.tiling } && choice.width == 64 && choice.values == 64)
        }

        func session(_ tiling: String) throws -> OpenCLSession {
            let choice = TuningTable.WarpChoice(
                arithmetic: "float16", width: 64, values: 64, tiling: tiling, shapes: [], milliseconds: 1)
            var table = TuningTable()
            table.set(
                TuningTable.Entry(
                    device: device.name, driver: device.driverVersion, kernels: TuningTable.kernelVersion,
                    side: 8,
                    quads: 1, depth: 8, shapes: [], milliseconds: 1, warp: [choice]))
            return try OpenCLSession(device, tuning: table)
        }
        let other = candidates[0][1]
        for (tiling, expected) in [(other.name, [other]), ("another", [])] {
            let tuned = try session(tiling)
            #expect(tuned.warpTiles(RunOptions(precision: .mixed)) == expected)
            #expect(tuned.warpTiles(RunOptions(precision: .bfloat16)) == expected)
            #expect(tuned.warpTiles(RunOptions(precision: .float32)).isEmpty)
            let variant = try WarpMethod(.float16, on: device, tiles: expected).variant(width: 7, values: 60)
            #expect(variant.tile == expected.first ?? candidates[0][0])
        }
        let problem = BlockCase(shape)
        let prepared = try problem.block().prepared(
            for: shape, on: session(other.name), strategy: .fused, kernels: .warp, precision: .float16)
        _ = try prepared(problem.input())
    }

    @Test(.needsDevice) func plansTakeWhatWasFound() throws {
        let device = try TestDevice.session().device
        var outcomes: [Tuner.Outcome] = []
        let found = try Tuner(try TestDevice.session()).run(shapes: [[1, 4, 30], [2, 6, 5, 4]]) {
            outcomes.append($0)
        }
        #expect(outcomes.count == GroupTile.candidates(device).count)
        #expect(outcomes.allSatisfy { $0.failure == nil && ($0.seconds ?? 0) > 0 })
        #expect(found.milliseconds == (outcomes.compactMap(\.seconds).min() ?? 0) * 1e3)
        #expect(found.device == device.name && found.shapes == ["1x4x30", "2x6x5x4"])

        let last = try #require(GroupTile.candidates(device).last)
        func table(driver: String, kernels: String, side: Int) -> TuningTable {
            var table = TuningTable()
            table.set(
                TuningTable.Entry(
                    device: device.name, driver: driver, kernels: kernels, side: side, quads: last.quads,
                    depth: last.depth, shapes: [], milliseconds: 1))
            return table
        }
        let version = TuningTable.kernelVersion
        #expect(
            table(driver: device.driverVersion, kernels: version, side: last.side).tile(for: device) == last)
        #expect(table(driver: "other", kernels: version, side: last.side).tile(for: device) == nil)
        #expect(
            table(driver: device.driverVersion, kernels: "other", side: last.side).tile(for: device) == nil)
        #expect(table(driver: device.driverVersion, kernels: version, side: 4096).tile(for: device) == nil)
        let session = try OpenCLSession(
            device, tuning: table(driver: device.driverVersion, kernels: version, side: last.side))
        #expect(session.tunedTile == last)
        let problem = BlockCase([1, 4, 30])
        let prepared = try problem.block().prepared(for: problem.shape, on: session, kernels: .tile)
        #expect(prepared.plan.workGroupTile == Plan.WorkGroupTile(last))
        _ = try prepared(problem.input())
    }

    /// A tile that computes something wrong is never chosen, however fast it is.
    @Test(.needsDevice) func wrongOnesAreLeftOut() throws {
        let source = KernelSource.tileProduct
        let text = source.text
        let session = try TestDevice.session(overriding: [
            source: text.replacing("bias[", with: "2.0f * bias[")
        ])
        try #require(text.contains("bias["))
        var outcomes: [Tuner.Outcome] = []
        let error = failure(.configuration) {
            _ = try Tuner(session).run(shapes: [[1, 4, 9]]) { outcomes.append($0) }
        }
        #expect(error?.message.contains("no tile") == true)
        #expect(!outcomes.isEmpty && outcomes.allSatisfy { $0.seconds == nil && $0.failure != nil })
    }
}
