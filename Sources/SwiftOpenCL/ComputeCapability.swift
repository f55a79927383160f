/// NVIDIA's version number of a device's instruction set, such as 9.0.
public struct ComputeCapability: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The generation: 8 is Ampere and Ada, 9 Hopper.
    public let major: Int

    /// The variant within the generation.
    public let minor: Int

    /// The capability `major.minor`.
    public init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Whether one capability came before the other.
    public static func < (one: Self, other: Self) -> Bool {
        (one.major, one.minor) < (other.major, other.minor)
    }

    /// Such as `9.0`.
    public var description: String { "\(major).\(minor)" }
}
