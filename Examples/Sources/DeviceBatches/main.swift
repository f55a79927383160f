// Two blocks in a row over many batches: prepared once, in one session, with tensors that stay on the device between
// them and one piece of memory for all results.

import NonLocal

func makeBlock(seed: UInt64) throws -> NonLocalBlock {
    let configuration = NonLocalBlock.Configuration(
        channels: 64, subsample: .poolFirst, scale: .inverseSquareRoot)
    let weights = try BlockWeights.random(for: configuration, seed: seed, zeroInitialized: false)
    return try NonLocalBlock(configuration, weights: weights)
}

let shape = [8, 64, 4, 14, 14]
let session = try OpenCLSession()
let first = try makeBlock(seed: 1).prepared(for: shape, backend: .opencl(in: session))
let second = try makeBlock(seed: 2).prepared(for: shape, backend: .opencl(in: session))
print("on '\(session.device.name)'")

for batch in 0..<3 {
    let x = try Tensor<Float>.normal(shape: shape, seed: UInt64(10 + batch))
    let z = try second(first(first.upload(x))).download()
    print("batch \(batch): z of shape \(z.shape), the first number \(z[0, 0, 0, 0, 0])")
}

// Where tensors come from the host and go back there, the result's memory can be kept.
var z = try Tensor<Float>(repeating: 0, shape: shape)
for batch in 0..<3 {
    let x = try Tensor<Float>.normal(shape: shape, seed: UInt64(10 + batch))
    let report = try first.run(x, into: &z)
    print("batch \(batch): \(report.seconds * 1e3) ms")
}
