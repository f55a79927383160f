import NonLocal

/// A reader of files that may come from anybody. It has to end in time with what it read or a typed error: never
/// in a trap, and never with more memory than the file's size times a factor.
enum Reader: String, CaseIterable, Sendable {
    case safetensors
    case npy
    case png
    case tuning

    /// Bytes of memory that it may hold for each byte of a file.
    ///
    /// Numbers of 2 bytes become 4, kept twice while dimensions are reversed, and a header's bytes become names,
    /// sets and tables of tensors. JSON is Foundation's: a byte such as `[` becomes a value of its own. A picture's
    /// byte holds 1032 at best, which deflate can't exceed, of 8 pixels each with 4 channels.
    var factor: Int {
        switch self {
        case .safetensors: 64
        case .npy: 32
        case .tuning: 256
        case .png: 1032 * 8 * 4
        }
    }

    /// Bytes that it may hold whatever the file: buffers, messages, and tables made once.
    static let allowance = 1 << 20

    /// Reads the file.
    ///
    /// - Returns: whether it was accepted; no error but the readers' own typed ones comes out as a refusal.
    func accepts(_ path: String) -> Bool {
        do {
            switch self {
            case .safetensors: try readSafeTensors(path)
            case .npy: try readNpy(path)
            case .png: try readPicture(path)
            case .tuning: _ = try TuningTable(trusting: path)
            }
            return true
        } catch let error as NonLocalError {
            precondition(!error.message.isEmpty)
        } catch is Failure where self == .png {
        } catch {
            preconditionFailure("untyped: \(error)")
        }
        return false
    }

    private func readSafeTensors(_ path: String) throws {
        let file = try SafeTensors(path)
        for entry in file.entries {
            do {
                let tensor = try file.tensor(entry.name)
                precondition(tensor.count == entry.shape.reduce(1, *))
            } catch let error as NonLocalError where error.code == .format {}
        }
        _ = try BlockFile(file)
    }

    private func readNpy(_ path: String) throws {
        let tensor = try Tensor<Float>(npy: path)
        precondition(tensor.count == tensor.shape.reduce(1, *))
    }

    private func readPicture(_ path: String) throws {
        let picture = try Picture(png: path)
        precondition(picture.bytes.count == picture.width * picture.height * picture.channels)
    }
}
