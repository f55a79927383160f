import NonLocalKernels
public import SwiftOpenCL

/// An OpenCL device made ready: its context, a queue and the kernels built so far.
///
/// Blocks prepared in one session share its kernels, and hand each other tensors that stay on the device:
///
///     let session = try OpenCLSession(.gpu)
///     let first = try encoder.prepared(for: shape, backend: .opencl(in: session))
///     let second = try decoder.prepared(for: shape, backend: .opencl(in: session))
///     let z = try second(first(first.upload(x))).download()
///
/// Safe from any thread.
public final class OpenCLSession: Sendable {
    let context: Context
    let queue: Queue
    /// What tensors come and go by while kernels run, where they are copied.
    let uploads: Queue
    let downloads: Queue
    let library: KernelLibrary
    /// Whether the device works on tensors where they are, and nothing has to be copied.
    let sharesHostMemory: Bool
    /// What the device's kernels were seen to do.
    let speeds: LaunchSpeeds
    /// The tile that the device was tuned to, if it was.
    let tunedTile: GroupTile?
    /// What it was tuned to otherwise.
    private let tuning: TuningTable?
    /// Follows the launches of blocks, for tests.
    let observer: Launcher.Observer?
    /// What the kernels' tests gave.
    let trials = KernelTrials()
    private let mostWorkGroups: Int?

    /// The device.
    public var device: Device { context.device }

    /// Makes a device ready; kernels are built when they are first needed.
    ///
    /// - Throws: `OpenCLError` if no device matches, with those there are, or if the driver refuses.
    public convenience init(_ selector: DeviceSelector = .automatic) throws {
        try self.init(selector.device())
    }

    /// - Parameters:
    ///   - overriding: kernel sources in place of the library's own, for tests.
    ///   - sharesHostMemory: what the device says of itself, unless a test says otherwise.
    ///   - mostWorkItems: of a work-group that kernels may have, for tests that play a smaller device.
    ///   - mostWorkGroups: that a launch may have along its second and third dimension, likewise.
    ///   - tuning: the user's own table without; CPU devices have none.
    ///   - observer: follows the launches of blocks, for tests that change what lies between them.
    init(
        _ device: Device, overriding: [KernelSource: String] = [:], sharesHostMemory: Bool? = nil,
        mostWorkItems: Int? = nil, mostWorkGroups: Int? = nil, tuning: TuningTable? = nil,
        observer: Launcher.Observer? = nil
    ) throws {
        self.mostWorkGroups = mostWorkGroups
        // A table that is damaged or another user's is as good as none; `tune` says so.
        let table =
            tuning ?? (device.type == .cpu ? nil : try? TuningTable(trusting: TuningTable.standardPath))
        tunedTile = table?.tile(for: device)
        self.tuning = table
        self.observer = observer
        self.sharesHostMemory = sharesHostMemory ?? device.hasUnifiedMemory
        speeds = LaunchSpeeds(computeUnits: device.computeUnits)
        context = try Context(device: device)
        queue = try Queue(context: context)
        uploads = self.sharesHostMemory ? queue : try Queue(context: context)
        downloads = self.sharesHostMemory ? queue : try Queue(context: context)
        library = KernelLibrary(context, overriding: overriding, mostWorkItems: mostWorkItems)
    }

    /// Memory for kernels to work in, not initialised.
    ///
    /// A CPU device gets large pieces from the host, in large pages: drivers ask for none, and with small ones
    /// tensors of some megabytes are more pages than a processor keeps track of.
    ///
    /// - Throws: `OpenCLError` if the device can't allocate as much.
    func allocate(_ count: Int) throws -> Buffer<Float> {
        guard device.type == .cpu, sharesHostMemory,
            count >= HostMemory.leastLarge / MemoryLayout<Float>.stride,
            let memory = HostMemory(bytes: count * MemoryLayout<Float>.stride)
        else { return try Buffer(context, count: count) }
        let elements = UnsafeMutableBufferPointer(
            start: memory.address.bindMemory(to: Float.self, capacity: count), count: count)
        return try Buffer(context, sharing: elements, keeping: memory)
    }

    /// Tiles of the warp kernels that are forced, or that the device was tuned to.
    func warpTiles(_ options: RunOptions) -> [WarpTile] {
        options.warpTiles.isEmpty
            ? tuning?.warpTiles(for: device, WarpTile.Arithmetic(options.precision)) ?? [] : options.warpTiles
    }

    /// What enqueues kernels for one run.
    func launcher(pace: Pace? = nil) -> Launcher {
        Launcher(queue, pace: pace, mostWorkGroups: mostWorkGroups, observer: observer)
    }

    /// How a run proceeds: on CPU devices at their own pace, unless somebody follows it or a bound was given;
    /// elsewhere people look at the same device's pictures.
    ///
    /// - Parameter mostSeconds: that one launch may take; a fifth without, half of that on CPU devices, which only
    ///   somebody who may want to stop them asks it of.
    func pace(_ mostSeconds: Double?, _ monitor: RunMonitor?) -> Pace? {
        guard mostSeconds != nil || monitor != nil || device.type != .cpu else { return nil }
        let usual = device.type == .cpu ? 0.1 : 0.2
        return Pace(mostSeconds: mostSeconds ?? usual, speeds, monitor: monitor)
    }

    /// The memory that a plan may use unless told otherwise: a quarter of the device's, 1 GiB at most.
    static func defaultMemoryLimit(of device: Device) -> Int { min(device.globalMemory / 4, 1 << 30) }
}

extension OpenCLSession: Hashable {
    /// Whether they are the same session.
    public static func == (left: OpenCLSession, right: OpenCLSession) -> Bool { left === right }

    /// By identity, as equality is.
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
