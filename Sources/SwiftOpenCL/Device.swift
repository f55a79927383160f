/// What kind of processor a device is.
public enum DeviceType: String, Sendable, Hashable, CaseIterable {
    /// The host's processor.
    case cpu
    /// A graphics processor.
    case gpu
    /// Another processor made for computing, such as an FPGA board.
    case accelerator
    /// None of these.
    case other
}

/// One OpenCL device: a plain value with everything asked of the driver once, when it was listed.
///
/// Two values are equal if they stand for the same device.
public struct Device: Sendable {
    let id: Identifier

    /// The platform the device belongs to.
    public let platform: Platform

    /// The name, such as `NVIDIA H200`.
    public let name: String

    /// What kind of processor it is.
    public let type: DeviceType

    /// Who made the device.
    public internal(set) var vendor = ""

    /// The driver's own version.
    public internal(set) var driverVersion = ""

    /// The OpenCL version of the device, such as `OpenCL 3.0 CUDA`.
    public internal(set) var version = ""

    /// The newest OpenCL C version its compiler takes, such as `OpenCL C 1.2`.
    public internal(set) var openCLCVersion = ""

    /// Names of the extensions it announces.
    public internal(set) var extensions: Set<String> = []

    /// Whether it can be used at the moment.
    public internal(set) var isAvailable = true

    /// Cores or multiprocessors.
    public internal(set) var computeUnits = 0

    /// The highest clock in MHz; 0 where the driver doesn't know.
    public internal(set) var maxClockFrequency = 0

    /// Bytes of global memory.
    public internal(set) var globalMemory = 0

    /// Bytes of the largest single buffer the device promises.
    public internal(set) var maxAllocation = 0

    /// Bytes of the cache in front of global memory.
    public internal(set) var cacheSize = 0

    /// Bytes of local memory a work-group can have.
    public internal(set) var localMemory = 0

    /// Whether local memory is storage of its own, and not a part of global memory.
    public internal(set) var localMemoryIsDedicated = false

    /// Whether device and host share one memory.
    public internal(set) var hasUnifiedMemory = false

    /// Bytes to which buffers, and host memory that is to be used without a copy, should be aligned.
    public internal(set) var baseAddressAlignment = 1

    /// Work-items in the largest work-group.
    public internal(set) var maxWorkGroupSize = 1

    /// The largest local size in each dimension.
    public internal(set) var maxWorkItemSizes: [Int] = []

    /// The vector width in floats that the driver would like kernels to use.
    public internal(set) var preferredVectorWidthFloat = 1

    /// The vector width in floats that the hardware has.
    public internal(set) var nativeVectorWidthFloat = 1

    /// Whether kernels can compute in `double`.
    public internal(set) var supportsDoubles = false

    /// Whether kernels can compute in `half`; loading and storing it is always possible.
    public internal(set) var supportsHalf = false

    /// Whether work-items of a work-group come in sub-groups that kernels can use.
    public internal(set) var supportsSubGroups = false

    /// The compute capability of an NVIDIA device whose driver tells it.
    public internal(set) var computeCapability: ComputeCapability?

    init(id: Identifier, platform: Platform, name: String, type: DeviceType) {
        self.id = id
        self.platform = platform
        self.name = name
        self.type = type
    }
}

extension Device: Hashable {
    /// Whether two values stand for the same device.
    public static func == (one: Device, other: Device) -> Bool { one.id == other.id }

    /// Hashes the identity of the device.
    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

extension Device: CustomStringConvertible {
    /// Name and platform, such as `NVIDIA H200 (NVIDIA CUDA)`.
    public var description: String { "\(name) (\(platform.name))" }
}
