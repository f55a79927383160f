// Reads a trained block and a tensor, and writes what the block makes of it.
//
//     swift run RunBlock block.safetensors x.npy z.npy

import NonLocal

let arguments = Array(CommandLine.arguments.dropFirst())
let block: NonLocalBlock
let x: Tensor<Float>
if arguments.count == 3 {
    // The names of the weights tell whose they are, and with that what the block does.
    block = try NonLocalBlock(reading: arguments[0])
    x = try Tensor(npy: arguments[1])
} else {
    let configuration = NonLocalBlock.Configuration(
        channels: 64, subsample: .convFirst, scale: .inverseSquareRoot)
    let weights = try BlockWeights.random(for: configuration, seed: 1, zeroInitialized: false)
    block = try NonLocalBlock(configuration, weights: weights)
    x = try .normal(shape: [1, 64, 4, 14, 14], seed: 2)
}

let prepared = try block.prepared(for: x.shape)
print(prepared.plan)

let result = try prepared.run(x)
print("z of shape \(result.output.shape) in \(result.seconds * 1e3) ms")
print("\(result.validation.rows) of \(result.validation.rowsInAll) rows were computed again by the reference")
if arguments.count == 3 { try result.output.write(npy: arguments[2]) }
