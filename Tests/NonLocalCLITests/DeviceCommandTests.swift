import Foundation
import Testing

/// The commands that are about a device, not about files.
@Suite(.needsDevice) struct DeviceCommandTests {
    @Test func devicesAreListed() throws {
        let folder = try Folder()
        let devices = try Command.run(["devices", "--json"], in: folder).objects()
        #expect(!devices.isEmpty)
        for (index, device) in devices.enumerated() {
            #expect(device["index"] as? Int == index)
            for key in ["platform", "name", "type", "driver", "opencl_c"] {
                #expect((device[key] as? String)?.isEmpty == false, "\(key)")
            }
            #expect(["panel", "plain"].contains(try #require(device["class"] as? String)))
            for key in ["compute_units", "global_memory", "local_memory"] {
                #expect(try #require(device[key] as? Int) > 0)
            }
            #expect(device["features"] is [String])
        }
        let table = try Command.run(["devices"], in: folder)
        #expect(table.output.split(separator: "\n").count == devices.count + 1)
    }

    @Test func withoutADeviceThereIsNoneToList() throws {
        let folder = try Folder()
        let vendors = ["OCL_ICD_VENDORS": folder.path]
        for arguments in [["devices"], ["devices", "--json"]] {
            let command = try Command.run(arguments, in: folder, environment: vendors)
            #expect(command.status == 1)
            #expect(command.message == "nonlocal: no OpenCL device found")
            #expect(command.errors.contains("pocl"))
        }
    }

    @Test(arguments: [
        ["--shape", "1x8x2x3x3", "2x6x7"], ["--bare", "--shape", "1x8x9", "--value-channels", "3"],
        ["--shape", "2x8x3x5", "--inner", "8", "--scale", "sqrt", "--group-norm", "4"],
    ])
    func benchTimes(options: [String]) throws {
        let command = try Command.run(["bench", "--json"] + options, in: try Folder())
        #expect(command.status == 0, "\(command.errors)")
        #expect(command.errors.contains("not validated"))
        let timings = try command.objects()
        #expect(timings.count == options.count(where: { $0.contains("x") }))
        for timing in timings {
            for key in ["median_ms", "min_ms", "gflops", "device_ms", "textbook_gflop", "executed_gflop"] {
                #expect(try #require(timing[key] as? Double) > 0, "\(key)")
            }
            #expect(try #require(timing["roof_gflops"] as? Double) > 0.1)
            #expect(try #require(timing["percent_of_roof"] as? Double) > 0)
            #expect(timing["validated_rows"] as? Int == 0)
            let kernels = try #require(timing["kernels"] as? [String: Double])
            #expect(!kernels.isEmpty && kernels.values.allSatisfy { $0 >= 0 }, "\(kernels)")
        }
    }

    @Test func benchListsKernels() throws {
        let options = ["bench", "--profile", "--shape", "1x8x20", "--runs", "2"]
        let command = try Command.run(options, in: try Folder())
        #expect(command.status == 0, "\(command.errors)")
        #expect(command.output.contains("% of device"), "\(command.output)")
        let reference = try Command.run(options + ["--backend", "cpu"], in: try Folder())
        #expect(reference.status == 0, "\(reference.errors)")
        #expect(!reference.output.contains("% of device"), "the reference has no kernels")
    }

    @Test func benchValidatesIfAsked() throws {
        let options = ["--shape", "1x8x20", "--validate", "sampled", "--runs", "1", "--json"]
        let timing = try #require(try Command.run(["bench"] + options, in: try Folder()).objects().first)
        #expect(timing["validated_rows"] as? Int == 8)
        #expect(try #require(timing["max_rel_error"] as? Double) < 1e-5)
        #expect(timing["runs"] as? Int == 1)
    }

    @Test func everyKernelIsVerified() throws {
        let folder = try Folder()
        let command = try Command.run(["verify", "--json"], in: folder)
        #expect(command.status == 0, "\(command.errors)")
        let outcomes = try command.objects()
        for outcome in outcomes {
            #expect(outcome["passed"] as? Bool == true, "\(outcome)")
            #expect(
                try #require(outcome["max_rel_error"] as? Double) <= #require(outcome["tolerance"] as? Double)
            )
            #expect((outcome["problem"] as? String)?.isEmpty == false)
        }
        let families = Set(outcomes.compactMap { $0["family"] as? String })
        #expect(
            families.isSuperset(of: ["affinity", "softmax", "aggregate", "projection", "block", "operation"]))

        let one = try Command.run(["verify", "--family", "softmax", "--device", "0"], in: folder)
        #expect(one.status == 0 && one.output.contains("softmax"))
        let misspelt = try Command.run(["verify", "--family", "sofmax"], in: folder)
        #expect(misspelt.status == 1 && misspelt.errors.contains("softmax,"))
        #expect(try Command.run(["verify", "--device", "no such device"], in: folder).status == 1)
    }

    @Test(arguments: ["embedded-gaussian", "gaussian", "dot-product", "concatenation"])
    func benchKnowsAllForms(pairwise: String) throws {
        let folder = try Folder()
        let options = ["--pairwise", pairwise, "--shape", "1x6x4x4"]
        for arguments in [
            ["--bare"], ["--subsample", "conv-first", "--inner", "2", "--value-channels", "5"],
        ] {
            let command = try Command.run(["bench"] + options + arguments, in: folder)
            #expect(command.status == 0, "\(command.errors)")
        }
    }

    @Test func groupNormHasToFit() throws {
        let folder = try Folder()
        for groups in ["3", "0"] {
            let command = try Command.run(["bench", "--shape", "1x8x9", "--group-norm", groups], in: folder)
            #expect(command.status == 1)
            #expect(command.message.contains("\(groups) groups"), "\(command.errors)")
        }
        let bare = try Command.run(["bench", "--bare", "--shape", "1x8x9", "--group-norm", "4"], in: folder)
        #expect(bare.status == 64)
        #expect(bare.errors.contains("--group-norm"))
    }

    @Test(arguments: ["1x4611686018427387904x1", "9223372036854775807x1x2", "1x4611686018427387904x4", "3"])
    func absurdShapesAreRefused(shape: String) throws {
        for options in [[], ["--bare"], ["--bare", "--pairwise", "concatenation"]] {
            let command = try Command.run(["bench", "--shape", shape] + options, in: try Folder())
            #expect(command.status == 1)
            #expect(!command.message.isEmpty, "\(command.errors)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func interruptedWorkExitsWith130() throws {
        let folder = try Folder()
        let running = try Running(["bench", "--backend", "cpu", "--shape", "1x32x60000"], in: folder)
        let deadline = ContinuousClock.now + .seconds(30)
        while !running.errors.contains("not validated"), ContinuousClock.now < deadline { usleep(20_000) }
        running.process.interrupt()
        let command = try running.finish()
        #expect(command.status == 130)
        #expect(command.output.isEmpty)
    }
}
