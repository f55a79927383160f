import COpenCL

extension Device {
    /// All devices of all platforms, in an order that is stable while the drivers stay the same.
    ///
    /// The position in this list is the number that ``DeviceSelector/index(_:)`` means. A platform or device
    /// that fails is left out; ask ``Platform/devices()`` for its error.
    ///
    /// - Throws: ``OpenCLError`` if there are platforms and each of them fails.
    public static func all() throws(OpenCLError) -> [Device] {
        try survivors(of: try Platform.all()) { (platform) throws(OpenCLError) in try platform.devices() }
            .flatMap { $0 }
    }

    /// Asks the driver for everything a `Device` tells.
    init(_ id: Identifier, of platform: Platform) throws(OpenCLError) {
        func query(
            _ name: UInt32, _ size: Int, _ value: UnsafeMutableRawPointer?,
            _ needed: UnsafeMutablePointer<Int>?
        ) -> Int32 { clGetDeviceInfo(id.pointer, name, size, value, needed) }

        let name = try Info("clGetDeviceInfo", query: query).string(CL_DEVICE_NAME)
        let info = Info("clGetDeviceInfo", on: name, query: query)
        self.init(id: id, platform: platform, name: name, type: DeviceType(try info.value(CL_DEVICE_TYPE)))
        try describe(info)
        try measure(info)
        addDetails(info)
    }

    private mutating func describe(_ info: Info) throws(OpenCLError) {
        vendor = try info.string(CL_DEVICE_VENDOR)
        driverVersion = try info.string(CL_DRIVER_VERSION)
        version = try info.string(CL_DEVICE_VERSION)
        openCLCVersion = try info.string(CL_DEVICE_OPENCL_C_VERSION)
        extensions = Set(try info.string(CL_DEVICE_EXTENSIONS).split(separator: " ").map(String.init))
        isAvailable = try info.bool(CL_DEVICE_AVAILABLE)
    }

    private mutating func measure(_ info: Info) throws(OpenCLError) {
        computeUnits = try info.uint(CL_DEVICE_MAX_COMPUTE_UNITS)
        globalMemory = try info.ulong(CL_DEVICE_GLOBAL_MEM_SIZE)
        maxAllocation = try info.ulong(CL_DEVICE_MAX_MEM_ALLOC_SIZE)
        localMemory = try info.ulong(CL_DEVICE_LOCAL_MEM_SIZE)
        localMemoryIsDedicated = try info.uint(CL_DEVICE_LOCAL_MEM_TYPE) == Int(CL_LOCAL)
        baseAddressAlignment = max(1, try info.uint(CL_DEVICE_MEM_BASE_ADDR_ALIGN) / 8)
        maxWorkGroupSize = try info.size(CL_DEVICE_MAX_WORK_GROUP_SIZE)
        maxWorkItemSizes = try info.array(CL_DEVICE_MAX_WORK_ITEM_SIZES)
    }

    /// What is good to know but no reason to lose a device over.
    private mutating func addDetails(_ info: Info) {
        maxClockFrequency = (try? info.uint(CL_DEVICE_MAX_CLOCK_FREQUENCY)) ?? 0
        cacheSize = (try? info.ulong(CL_DEVICE_GLOBAL_MEM_CACHE_SIZE)) ?? 0
        hasUnifiedMemory = (try? info.bool(CL_DEVICE_HOST_UNIFIED_MEMORY)) ?? false
        preferredVectorWidthFloat = (try? info.uint(CL_DEVICE_PREFERRED_VECTOR_WIDTH_FLOAT)) ?? 1
        nativeVectorWidthFloat = (try? info.uint(CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT)) ?? 1
        supportsDoubles = ((try? info.ulong(CL_DEVICE_DOUBLE_FP_CONFIG)) ?? 0) != 0
        supportsHalf = extensions.contains("cl_khr_fp16")
        supportsSubGroups = !extensions.isDisjoint(with: ["cl_khr_subgroups", "cl_intel_subgroups"])
        if extensions.contains("cl_nv_device_attribute_query"),
            let major = try? info.uint(computeCapabilityMajor),
            let minor = try? info.uint(computeCapabilityMinor)
        {
            computeCapability = ComputeCapability(major: major, minor: minor)
        }
    }
}

extension DeviceType {
    init(_ bits: cl_device_type) {
        self =
            if bits & cl_device_type(CL_DEVICE_TYPE_GPU) != 0 {
                .gpu
            } else if bits & cl_device_type(CL_DEVICE_TYPE_ACCELERATOR) != 0 {
                .accelerator
            } else if bits & cl_device_type(CL_DEVICE_TYPE_CPU) != 0 {
                .cpu
            } else {
                .other
            }
    }
}

// From the extension cl_nv_device_attribute_query; core headers don't have them.
private let computeCapabilityMajor: Int32 = 0x4000
private let computeCapabilityMinor: Int32 = 0x4001
