import Foundation
import NonLocal
import Testing

@Suite(.needsDevice) struct RunTests {
    static let arguments = ["run", "--input", "x.npy", "--weights", "block.safetensors", "--output", "z.npy"]

    @Test(arguments: ["opencl", "cpu"]) func resultAndReport(backend: String) throws {
        let folder = try Folder()
        try Inputs.write(to: folder)
        let command = try Command.run(Self.arguments + ["--backend", backend, "--json"], in: folder)
        #expect(command.status == 0, "\(command.errors)")
        let report = try command.object()
        #expect(report["backend"] as? String == backend)
        #expect((report["device"] is String) == (backend == "opencl"))
        #expect(report["input_shape"] as? [Int] == [2, 6, 4, 5])
        #expect(report["output_shape"] as? [Int] == [2, 6, 4, 5])
        #expect(report["strategy"] is String)
        #expect(try #require(report["milliseconds"] as? Double) > 0)
        #expect(try #require(report["gflops"] as? Double) > 0)
        for key in ["max_abs_error", "max_rel_error"] {
            let error = try #require(report[key])
            #expect(backend == "opencl" ? error is Double : error is NSNull)
        }
        #expect((try #require(report["validated_rows"] as? Int) >= 4) == (backend == "opencl"))
        #expect(folder.names == ["x.npy", "block.safetensors", "z.npy"])

        let z = try Tensor<Float>(npy: folder.file("z.npy"))
        let file = try BlockFile(reading: folder.file("block.safetensors"))
        let block = try NonLocalBlock(file.configuration, weights: file.weights)
        let expected = try block(Tensor(npy: folder.file("x.npy")), backend: .cpu)
        #expect(zip(z.elements, expected.elements).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test func automaticSaysWhatItTook() throws {
        let folder = try Folder()
        try Inputs.write(to: folder)
        let command = try Command.run(Self.arguments, in: folder)
        #expect(command.status == 0)
        #expect(command.errors.contains("backend opencl, device '"))
        #expect(command.output.contains("validated"))
    }

    @Test func withoutADeviceAutomaticTakesTheReferenceAndOpenCLFails() throws {
        let folder = try Folder()
        try Inputs.write(to: folder)
        let vendors = ["OCL_ICD_VENDORS": folder.logs]
        let automatic = try Command.run(Self.arguments + ["--json"], in: folder, environment: vendors)
        #expect(automatic.status == 0, "\(automatic.errors)")
        #expect(automatic.errors.contains("no OpenCL device"))
        #expect(try automatic.object()["backend"] as? String == "cpu")
        try FileManager.default.removeItem(atPath: folder.file("z.npy"))

        let opencl = try Command.run(
            Self.arguments + ["--backend", "opencl"], in: folder, environment: vendors)
        #expect(opencl.status == 1)
        #expect(opencl.message == "nonlocal: no OpenCL device found")
        #expect(folder.names == ["x.npy", "block.safetensors"])
    }

    @Test(arguments: [
        (["--pairwise", "dot-product"], [2, 20, 20]),
        (["--subsample", "conv-first"], [2, 20, 4]),
        (["--subsample", "pool-first", "--pool", "1,1,2", "--scale", "sqrt"], [2, 20, 8]),
        (["--subsample", "conv-first", "--pool", "flat,3", "--scale", "-0.5"], [2, 20, 6]),
        (["--own-weight", "strongest", "--strategy", "staged", "--precision", "float32"], [2, 20, 20]),
        (["--dialect", "alexhex7", "--memory-limit", "1000000", "--validate", "full"], [2, 20, 20]),
    ]) func optionsWin(options: [String], attentionShape: [Int]) throws {
        let folder = try Folder()
        try Inputs.write(to: folder)
        let command = try Command.run(
            Self.arguments + options + ["--attention", "a.npy", "--explain", "--json"], in: folder)
        #expect(command.status == 0, "\(command.errors)")
        #expect(try command.object()["output_shape"] as? [Int] == [2, 6, 4, 5])
        #expect(command.errors.contains("operations: "))
        #expect(try Tensor<Float>(npy: folder.file("a.npy")).shape == attentionShape)
    }

    @Test func prefixChoosesABlock() throws {
        let folder = try Folder()
        try Inputs.write(to: folder)
        let blocks = try Inputs.block(prefix: "nl_1.") + Inputs.block(prefix: "nl_2.")
        try SafeTensors.write(blocks, to: folder.file("block.safetensors"))
        #expect(try Command.run(Self.arguments + ["--prefix", "nl_2"], in: folder).status == 0)
    }

    @Test func channelsLast() throws {
        let folder = try Folder()
        try Inputs.write(to: folder)
        try Tensor<Float>.normal(shape: [2, 4, 5, 6], seed: 1).write(npy: folder.file("x.npy"))
        let command = try Command.run(Self.arguments + ["--layout", "channels-last", "--json"], in: folder)
        #expect(command.status == 0, "\(command.errors)")
        #expect(try command.object()["output_shape"] as? [Int] == [2, 4, 5, 6])
    }

    /// The test device's kernels may know float32 only: `mixed` then says so, and float16 is refused.
    @Test func precision() throws {
        let folder = try Folder()
        try Inputs.write(to: folder)
        let mixed = try Command.run(Self.arguments + ["--precision", "mixed", "--json"], in: folder)
        #expect(mixed.status == 0, "\(mixed.errors)")
        let used = try #require(mixed.object()["precision"] as? String)
        let forced = try Command.run(Self.arguments + ["--precision", "float16", "--json"], in: folder)
        if used == "float32" {
            #expect(mixed.errors.contains("float32, which precision mixed allows"))
            #expect(forced.status == 1 && forced.errors.contains("not float16"))
        } else {
            #expect(forced.status == 0, "\(forced.errors)")
        }
    }

    @Test(arguments: [
        [], ["run"], ["no-such-command"], ["run", "--input", "x.npy"], arguments + ["--no-such-option"],
        arguments + ["--pairwise", "cosine"], arguments + ["--subsample", "yes"],
        arguments + ["--pool", "2,2"],
        arguments + ["--pool", "0,1,1"], arguments + ["--scale", "big"], arguments + ["--scale", "nan"],
        arguments + ["--strategy", "fastest"], arguments + ["--precision", "int8"],
        arguments + ["--backend", "cuda"], arguments + ["--memory-limit", "0"],
        arguments + ["--backend", "cpu", "--device", "0"], ["bench", "--shape", "1xax2"],
        ["bench", "--shape", "1x0x2"], ["bench", "--bare", "--inner", "3"], ["denoise", "a.png"],
        ["denoise", "a.png", "b.png", "--noisy", "c.png"],
    ]) func wrongUsage(arguments: [String]) throws {
        let folder = try Folder()
        let command = try Command.run(arguments, in: folder)
        // Without a subcommand there is help, as with --help.
        #expect(command.status == (arguments.isEmpty ? 0 : 64), "\(command.errors)")
        #expect(folder.names.isEmpty)
    }
}
