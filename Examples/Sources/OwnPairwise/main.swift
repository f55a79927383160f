// A pairwise function that nobody else has: Student's t kernel of the distance, 1 / (1 + ‖θ_i − φ_j‖²), normalised
// by its sum. From the one expression come the Swift of the reference and the OpenCL C of the kernel.

import NonLocal

// s is the score, here −‖θ_i − φ_j‖².
let kernel = try WeightExpression("1 / (1 - s)")
let pairwise = Pairwise.generic(.negativeSquaredDistance, weight: kernel, normalizer: .sum)

let configuration = NonLocalBlock.Configuration(channels: 32, innerChannels: 8, pairwise: pairwise)
let weights = try BlockWeights.random(for: configuration, seed: 1, zeroInitialized: false)
let block = try NonLocalBlock(configuration, weights: weights)
let x = try Tensor<Float>.normal(shape: [2, 32, 20, 30], seed: 2)

let z = try block(x)
let reference = try block(x, backend: .cpu)
let difference = zip(z.elements, reference.elements).map { abs($0 - $1) }.max() ?? 0
print("w(s) = \(kernel): the device and the reference differ by \(difference) at most")
