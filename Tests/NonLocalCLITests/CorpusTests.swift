#if Pictures
    import Foundation
    import Testing

    @testable import NonLocalCLI

    /// The pictures that fuzzing has kept, read again.
    @Suite struct CorpusTests {
        @Test func endInAnErrorOrAPicture() throws {
            let folder = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../Fuzzing/Corpus/png").standardizedFileURL.path()
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            var accepted = 0
            for name in names {
                do {
                    let picture = try Picture(png: "\(folder)/\(name)")
                    #expect(picture.bytes.count == picture.width * picture.height * picture.channels)
                    accepted += 1
                } catch is Failure {
                }
            }
            #expect(accepted > 0 && accepted < names.count)
        }
    }
#endif
