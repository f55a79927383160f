import Foundation
import NonLocal

/// Files for the command to read.
enum Inputs {
    static let channels = 6
    static let inner = 3

    /// x.npy, `[2, 6, 4, 5]`, and block.safetensors, an AlexHex7 block for it.
    static func write(to folder: Folder) throws {
        try Tensor<Float>.normal(shape: [2, channels, 4, 5], seed: 1).write(npy: folder.file("x.npy"))
        try SafeTensors.write(block(), to: folder.file("block.safetensors"))
    }

    /// The tensors of an AlexHex7 block that is neither pooled nor normed.
    static func block(prefix: String = "", channels: Int = channels) throws -> [(
        name: String, tensor: Tensor<Float>
    )] {
        try [
            ("theta.weight", [inner, channels, 1, 1]), ("theta.bias", [inner]),
            ("phi.weight", [inner, channels, 1, 1]), ("phi.bias", [inner]),
            ("g.weight", [inner, channels, 1, 1]), ("g.bias", [inner]),
            ("W.weight", [channels, inner, 1, 1]), ("W.bias", [channels]),
        ].enumerated().map { index, entry in
            (prefix + entry.0, try .normal(shape: entry.1, deviation: 0.5, seed: UInt64(index)))
        }
    }

    /// A .npy file with the given header and so many bytes of zeros.
    static func npy(_ header: String, bytes: Int) -> [UInt8] {
        let text = Array(header.utf8) + [UInt8(ascii: "\n")]
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count & 255), UInt8(text.count >> 8)] + text
            + [UInt8](repeating: 0, count: bytes)
    }

    static func npy(dtype: String = "<f4", shape: String, bytes: Int) -> [UInt8] {
        npy("{'descr': '\(dtype)', 'fortran_order': False, 'shape': \(shape), }", bytes: bytes)
    }

    /// A safetensors file with the given header and so many bytes of zeros.
    static func safetensors(_ header: String, bytes: Int, headerLength: UInt64? = nil) -> [UInt8] {
        let length = headerLength ?? UInt64(header.utf8.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(header.utf8)
            + [UInt8](repeating: 0, count: bytes)
    }

    /// The bytes of a file with its end cut off.
    static func truncated(_ path: String, by count: Int) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: path)).dropLast(count))
    }
}
