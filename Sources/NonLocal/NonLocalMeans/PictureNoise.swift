import Foundation

extension NonLocalMeans {
    /// A picture with Gaussian noise added, then rounded to whole grey levels and clipped to 0…255 as a
    /// file of 8 bits would hold it. The same seed gives the same noise.
    ///
    /// - Parameters:
    ///   - picture: of any shape, in grey levels from 0 to 255.
    ///   - sigma: the standard deviation in grey levels.
    ///   - seed: which noise.
    /// - Throws: ``NonLocalError/Code/configuration`` if `sigma` is negative or not finite.
    public static func addingNoise(
        to picture: Tensor<Float>, sigma: Double, seed: UInt64
    ) throws -> Tensor<Float> {
        guard sigma >= 0, sigma.isFinite else {
            throw NonLocalError(.configuration, "noise of \(sigma) grey levels can't be added")
        }
        let noise = try Tensor<Float>.normal(shape: picture.shape, deviation: sigma, seed: seed)
        return try picture.withUnsafeBufferPointer { pixels in
            try noise.withUnsafeBufferPointer { noise in
                try Tensor(shape: picture.shape) { target in
                    for index in pixels.indices {
                        let level = (pixels[index] + noise[index]).rounded()
                        target.initializeElement(at: index, to: min(max(level, 0), 255))
                    }
                }
            }
        }
    }

    /// The peak signal-to-noise ratio in decibels: 10 log₁₀(255² / mean squared difference); infinite where
    /// there is no difference.
    ///
    /// - Throws: ``NonLocalError/Code/shape`` if the pictures differ in shape.
    public static func peakSignalToNoise(
        of picture: Tensor<Float>, against reference: Tensor<Float>
    ) throws -> Double {
        guard picture.shape == reference.shape else {
            throw NonLocalError(
                .shape, "pictures of shape \(picture.shape) and \(reference.shape) can't be compared")
        }
        var sum = 0.0
        picture.withUnsafeBufferPointer { pixels in
            reference.withUnsafeBufferPointer { expected in
                for index in pixels.indices {
                    let difference = Double(pixels[index]) - Double(expected[index])
                    sum += difference * difference
                }
            }
        }
        return 10 * log10(255 * 255 * Double(picture.count) / sum)
    }
}
