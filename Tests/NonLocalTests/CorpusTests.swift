import Foundation
import Testing

@testable import NonLocal

/// The inputs that fuzzing has kept, read again: here under a sanitizer too, which fuzzing can't have with it.
/// `NonLocalCLITests` has the pictures.
@Suite struct CorpusTests {
    @Test(arguments: ["safetensors", "npy", "tuning"])
    func endsInAnErrorOrATensor(_ reader: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Fuzzing/Corpus/\(reader)").standardizedFileURL.path()
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        var accepted = 0
        for name in names {
            do {
                try read("\(folder)/\(name)", as: reader)
                accepted += 1
            } catch let error as NonLocalError {
                #expect(!error.message.isEmpty)
            } catch let error as HeaderFailure {
                #expect(!error.message.isEmpty)
            }
        }
        // Good ones and bad ones.
        #expect(accepted > 0 && accepted < names.count)
    }

    private func read(_ path: String, as reader: String) throws {
        switch reader {
        case "npy": _ = try Tensor<Float>(npy: path)
        case "tuning":
            _ = try TuningTable.entries(in: [UInt8](Data(contentsOf: URL(filePath: path))))
        default:
            let file = try SafeTensors(path)
            for name in file.names { _ = try? file.tensor(name) }
            _ = try BlockFile(file)
        }
    }
}
