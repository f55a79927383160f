// The attention in the middle of a latent-diffusion autoencoder, which is a non-local block: one head, d = C, a
// group norm in front. With a diffusers file of the whole autoencoder:
//
//     swift run AutoencoderAttention diffusion_pytorch_model.safetensors

import Foundation
import NonLocal

let given = CommandLine.arguments.dropFirst().first
let path =
    given ?? NSTemporaryDirectory() + "autoencoder-\(ProcessInfo.processInfo.processIdentifier).safetensors"
if given == nil { try writeExample(to: path) }
defer { if given == nil { try? FileManager.default.removeItem(atPath: path) } }

// The file has such a block in the encoder and one in the decoder: the prefix says which.
let block = try NonLocalBlock(reading: path, prefix: "decoder.mid_block.attentions.0")
print(block.configuration.channels, "channels, scale", block.configuration.scale)

// A latent of 64×64 is a picture of 512×512.
let side = given == nil ? 16 : 64
let x = try Tensor<Float>.normal(shape: [1, block.configuration.channels, side, side], seed: 1)
let result = try block.prepared(for: x.shape).run(x)
print("\(result.output.shape) in \(result.seconds * 1e3) ms, \(result.validation.rows) rows validated")

/// Two blocks under the names that diffusers gives them, with random weights.
func writeExample(to path: String) throws {
    let channels = 64
    var tensors: [(name: String, tensor: Tensor<Float>)] = []
    for (index, half) in ["encoder", "decoder"].enumerated() {
        let prefix = "\(half).mid_block.attentions.0."
        for (number, name) in ["to_q", "to_k", "to_v", "to_out.0"].enumerated() {
            let seed = UInt64(10 * index + number)
            let weight = try Tensor<Float>.normal(shape: [channels, channels], deviation: 0.1, seed: seed)
            tensors.append((prefix + name + ".weight", weight))
            tensors.append((prefix + name + ".bias", try Tensor(repeating: 0, shape: [channels])))
        }
        tensors.append((prefix + "group_norm.weight", try Tensor(repeating: 1, shape: [channels])))
        tensors.append((prefix + "group_norm.bias", try Tensor(repeating: 0, shape: [channels])))
    }
    try SafeTensors.write(tensors, to: path)
}
