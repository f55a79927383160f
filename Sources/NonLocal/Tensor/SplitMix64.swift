import Foundation

/// A small random number generator with the same sequence for the same seed on every platform
/// (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// A generator at the start of the sequence of `seed`.
    public init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Two independent numbers from the normal distribution of mean 0 and deviation 1 (Box and Muller).
    mutating func nextNormals() -> (Double, Double) {
        // Uniform in (0, 1], so that the logarithm is finite.
        let radius = (-2 * log((Double(next() >> 11) + 1) * 0x1p-53)).squareRoot()
        let angle = 2 * Double.pi * Double(next() >> 11) * 0x1p-53
        return (radius * cos(angle), radius * sin(angle))
    }
}

extension Tensor where Element == Float {
    /// A tensor of independent numbers from a normal distribution, the same for the same seed.
    ///
    /// - Parameters:
    ///   - shape: the extent of each dimension, outermost first.
    ///   - mean: the distribution's mean.
    ///   - deviation: its standard deviation.
    ///   - seed: which numbers.
    /// - Throws: ``NonLocalError/Code/shape`` or ``NonLocalError/Code/memory`` as
    ///   ``init(shape:initializing:)`` does.
    public static func normal(
        shape: [Int], mean: Double = 0, deviation: Double = 1, seed: UInt64
    ) throws -> Tensor {
        var generator = SplitMix64(seed: seed)
        return try normal(shape: shape, mean: mean, deviation: deviation, using: &generator)
    }

    static func normal(
        shape: [Int], mean: Double = 0, deviation: Double = 1, using generator: inout SplitMix64
    ) throws -> Tensor {
        try Tensor(shape: shape) { target in
            for first in stride(from: 0, to: target.count, by: 2) {
                let pair = generator.nextNormals()
                target.initializeElement(at: first, to: Float(mean + deviation * pair.0))
                if first + 1 < target.count {
                    target.initializeElement(at: first + 1, to: Float(mean + deviation * pair.1))
                }
            }
        }
    }
}
