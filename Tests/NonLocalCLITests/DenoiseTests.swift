import Foundation
import Testing

#if Pictures
    @Suite(.needsDevice) struct DenoiseTests {
        static let photograph = Files.picture("astronaut-128.png")

        @Test func aPhotographGainsWhatItShould() throws {
            let folder = try Folder()
            let command = try Command.run(
                [
                    "denoise", Self.photograph, "out.png", "--add-noise", "15", "--noisy", "noisy.png",
                    "--json",
                ],
                in: folder)
            #expect(command.status == 0, "\(command.errors)")
            #expect(folder.names == ["out.png", "noisy.png"])
            let report = try command.object()
            let sigma = try #require(report["sigma"] as? Double)
            #expect(abs(sigma / 15 - 1) < 0.1)
            let before = try #require(report["psnr_before"] as? Double)
            let after = try #require(report["psnr_after"] as? Double)
            #expect(abs(before - 24.9) < 0.2)
            // 32.2 dB measured.
            #expect(after > before + 7)
            #expect(report["backend"] as? String == "opencl")
            #expect(try #require(report["validated_rows"] as? Int) == 8)
        }

        @Test(arguments: TestPicture.Kind.allCases, [8, 16])
        func everyKindIsReadAndWritten(kind: TestPicture.Kind, bits: Int) throws {
            guard kind != .palette || bits == 8 else { return }
            let folder = try Folder()
            let picture = TestPicture(width: 7, height: 5, kind: kind, bits: bits) { x, y, c in
                c == kind.samples - 1 && kind.hasAlpha ? 0.5 : Double(x * 5 + y * 3 + c) / 60
            }
            try folder.write(picture.bytes, to: "in.png")
            let command = try Command.run(
                ["denoise", "in.png", "out.png", "--sigma", "0", "--reference", "in.png"], in: folder)
            #expect(command.status == 0, "\(command.errors)")
            #expect(command.output.contains("7×5 \(kind.isGrey ? "grey" : "RGB")"), "\(command.output)")
            #expect(command.output.contains("alpha") == kind.hasAlpha)
            // Noise of 0 leaves all as it is; so does what the command wrote when it is read again.
            #expect(command.output.contains("PSNR inf dB before, inf dB after"), "\(command.output)")
            var eight = picture
            eight.bits = 8
            try folder.write(eight.bytes, to: "eight.png")
            let again = try Command.run(
                ["denoise", "out.png", "again.png", "--sigma", "0", "--reference", "eight.png"], in: folder)
            #expect(
                again.output.contains("PSNR inf dB before, inf dB after"), "\(again.output)\(again.errors)")
            let colourType = try Data(contentsOf: URL(filePath: folder.file("out.png")))[25]
            #expect(colourType == (kind == .palette ? TestPicture.Kind.rgb : kind).rawValue)
        }

        @Test func noiseIsTheSameForTheSameSeed() throws {
            let folder = try Folder()
            let picture = TestPicture(width: 12, height: 12, kind: .grey) { x, _, _ in Double(x) / 12 }
            try folder.write(picture.bytes, to: "in.png")
            func noisy(_ name: String, seed: String) throws -> Data {
                let options = ["--add-noise", "9", "--seed", seed, "--noisy", name, "--backend", "cpu"]
                let command = try Command.run(["denoise", "in.png", "out.png"] + options, in: folder)
                #expect(command.status == 0, "\(command.errors)")
                return try Data(contentsOf: URL(filePath: folder.file(name)))
            }
            let first = try noisy("1.png", seed: "4")
            #expect(try noisy("2.png", seed: "4") == first)
            #expect(try noisy("3.png", seed: "5") != first)
        }

        struct BadPicture: CustomTestStringConvertible, Sendable {
            let testDescription: String
            let words: [String]
            var options: [String] = []
            var output = "out.png"
            var spoil: @Sendable ([UInt8]) -> [UInt8]? = { $0 }
        }

        @Test(arguments: [
            BadPicture(testDescription: "missing", words: ["'in.png'"]) { _ in nil },
            BadPicture(testDescription: "empty", words: ["'in.png'"]) { _ in [] },
            BadPicture(testDescription: "no PNG", words: ["'in.png'", "PNG"]) { _ in
                Array("GIF89a and more".utf8)
            },
            BadPicture(testDescription: "cut off", words: ["'in.png'"]) { Array($0.dropLast(40)) },
            BadPicture(testDescription: "promises more than it holds", words: ["promises"]) {
                var header = Array($0[16..<29])
                header.replaceSubrange(0..<8, with: TestPicture.big(8000) + TestPicture.big(8000))
                return Array($0[..<8]) + TestPicture.chunk("IHDR", header) + $0[33...]
            },
            BadPicture(testDescription: "far too large", words: ["pixels"]) {
                var header = Array($0[16..<29])
                header.replaceSubrange(0..<8, with: TestPicture.big(1_000_000) + TestPicture.big(1_000_000))
                return Array($0[..<8]) + TestPicture.chunk("IHDR", header) + $0[33...]
            },
            BadPicture(
                testDescription: "output folder missing", words: ["'nowhere'"], output: "nowhere/out.png"),
            BadPicture(testDescription: "even patch", words: ["patch"], options: ["--patch", "4"]),
            BadPicture(
                testDescription: "no components", words: ["components"], options: ["--components", "0"]),
            BadPicture(testDescription: "negative sigma", words: ["sigma"], options: ["--sigma=-1"]),
            BadPicture(testDescription: "infinite noise", words: ["noise"], options: ["--add-noise", "inf"]),
            BadPicture(
                testDescription: "another reference", words: ["128×128 RGB", "6×6 grey"],
                options: ["--reference", photograph]),
            BadPicture(
                testDescription: "unknown device", words: ["0: "],
                options: ["--sigma", "9", "--device", "no such device"]),
        ]) func badInputIsRefused(_ bad: BadPicture) throws {
            let folder = try Folder()
            let good = TestPicture(width: 6, height: 6, kind: .grey) { x, y, _ in Double(x * 6 + y) / 36 }
            if let bytes = bad.spoil(good.bytes) { try folder.write(bytes, to: "in.png") }
            let before = folder.names
            let command = try Command.run(["denoise", "in.png", bad.output] + bad.options, in: folder)
            #expect(command.status == 1)
            #expect(!command.message.isEmpty)
            for word in bad.words { #expect(command.errors.contains(word), "\(command.errors)") }
            #expect(folder.names == before)
        }

        /// In the middle of the operation, which is seen by the line that progress gets after ten seconds.
        @Test(.timeLimit(.minutes(2))) func interruptedItLeavesNothing() throws {
            let folder = try Folder()
            let running = try Running(
                [
                    "denoise", Files.picture("astronaut-512.png"), "out.png", "--add-noise", "25", "--skip",
                    "off",
                    "--backend", "opencl",
                ], in: folder)
            let deadline = ContinuousClock.now + .seconds(90)
            while !running.errors.contains(" %"), running.process.isRunning, ContinuousClock.now < deadline {
                usleep(50_000)
            }
            running.process.interrupt()
            let command = try running.finish()
            #expect(command.status == 130)
            #expect(command.errors.contains("GFLOP/s") && command.errors.hasSuffix("nonlocal: interrupted\n"))
            #expect(command.output.isEmpty && folder.names.isEmpty)
        }
    }

    extension TestPicture.Kind {
        var hasAlpha: Bool { self == .greyAlpha || self == .rgba }
        var isGrey: Bool { self == .grey || self == .greyAlpha }
    }
#else
    @Suite struct DenoiseTests {
        @Test func withoutPicturesItSaysHowToGetThem() throws {
            let folder = try Folder()
            let command = try Command.run(["denoise", "in.png", "out.png"], in: folder)
            #expect(command.status == 1)
            #expect(command.message == "nonlocal: built without pictures")
            #expect(command.errors.contains("libpng-dev") && command.errors.contains("--traits Pictures"))
            #expect(folder.names.isEmpty)
        }
    }
#endif
