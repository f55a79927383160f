#if Pictures
    import Foundation
    import Testing

    /// `denoise` beside scikit-image on the same noisy pictures; Benchmarks/denoise made both.
    @Suite(.needsDevice) struct DenoiseQualityTests {
        struct Record: Decodable {
            struct Picture: Decodable {
                let sigma: Double
                let file: String
                let noisy: Double
                let scikitImage: Double
            }

            let picture: String
            let pictures: [Picture]
        }

        static let record = Result {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(
                Record.self, from: Data(contentsOf: URL(filePath: Files.noisy("results.json"))))
        }

        @Test(arguments: [15.0, 25]) func isNoWorseThanScikitImage(sigma: Double) throws {
            let record = try Self.record.get()
            let noisy = try #require(record.pictures.first { $0.sigma == sigma })
            let command = try Command.run(
                [
                    "denoise", Files.noisy(noisy.file), "out.png", "--reference",
                    Files.picture(record.picture), "--json",
                ], in: Folder())
            #expect(command.status == 0, "\(command.errors)")
            let report = try command.object()
            // The picture is the one that was recorded.
            #expect(abs(try #require(report["psnr_before"] as? Double) - noisy.noisy) < 0.001)
            #expect(try #require(report["psnr_after"] as? Double) >= noisy.scikitImage)
            #expect(abs(try #require(report["sigma"] as? Double) / sigma - 1) < 0.1)
            #expect(report["sigma_estimated"] as? Bool == true)
        }

        /// All frames together know more of each than it knows of itself.
        @Test func aClipGainsFromItsFrames() throws {
            let frames = (4...6).map(Files.frame)
            func gain(_ scope: String) throws -> Double {
                let folder = try Folder()
                try FileManager.default.createDirectory(
                    atPath: folder.file("out"), withIntermediateDirectories: false)
                let command = try Command.run(
                    ["denoise"] + frames
                        + ["--into", "out", "--scope", scope, "--add-noise", "20", "--json"], in: folder)
                #expect(command.status == 0, "\(command.errors)")
                let written = try FileManager.default.contentsOfDirectory(atPath: folder.file("out"))
                #expect(Set(written) == ["frame4.png", "frame5.png", "frame6.png"])
                let report = try command.object()
                #expect(report["frames"] as? Int == 3)
                let before = try #require(report["psnr_before"] as? Double)
                return try #require(report["psnr_after"] as? Double) - before
            }
            let (together, alone) = (try gain("spacetime"), try gain("space"))
            #expect(alone > 5, "\(alone) dB")
            #expect(together > alone, "\(together) dB together, \(alone) dB alone")
        }
    }
#endif
