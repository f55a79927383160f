import COpenCL
import Foundation

/// One OpenCL implementation installed on this machine, such as a vendor's driver or PoCL.
public struct Platform: Sendable {
    let id: Identifier

    /// The name, such as `NVIDIA CUDA` or `Portable Computing Language`.
    public let name: String

    /// Who made it.
    public let vendor: String

    /// The version in OpenCL's form, such as `OpenCL 3.0 CUDA 12.4`.
    public let version: String

    /// All platforms that answer, in the loader's order; none where no driver is installed.
    ///
    /// - Throws: ``OpenCLError`` if the loader fails, or if there are platforms and none answers.
    public static func all() throws(OpenCLError) -> [Platform] {
        drivers.lock()
        defer { drivers.unlock() }
        var count: cl_uint = 0
        let status = clGetPlatformIDs(0, nil, &count)
        guard status != noPlatform, count > 0 || status != CL_SUCCESS else { return [] }
        try check(status, "clGetPlatformIDs")
        var ids = [cl_platform_id?](repeating: nil, count: Int(count))
        try check(clGetPlatformIDs(count, &ids, nil), "clGetPlatformIDs")
        return try survivors(of: ids.compactMap { $0 }) { (id) throws(OpenCLError) in
            let info = Info("clGetPlatformInfo") { clGetPlatformInfo(id, $0, $1, $2, $3) }
            return Platform(
                id: Identifier(pointer: id), name: try info.string(CL_PLATFORM_NAME),
                vendor: try info.string(CL_PLATFORM_VENDOR), version: try info.string(CL_PLATFORM_VERSION))
        }
    }

    /// This platform's devices that answer, in its own order.
    ///
    /// - Throws: ``OpenCLError`` if the platform fails, or if it has devices and none answers.
    public func devices() throws(OpenCLError) -> [Device] {
        drivers.lock()
        defer { drivers.unlock() }
        let call = "clGetDeviceIDs(\(name))"
        let every = cl_device_type(CL_DEVICE_TYPE_ALL)
        var count: cl_uint = 0
        let status = clGetDeviceIDs(id.pointer, every, 0, nil, &count)
        guard status != CL_DEVICE_NOT_FOUND, count > 0 || status != CL_SUCCESS else { return [] }
        try check(status, call)
        var ids = [cl_device_id?](repeating: nil, count: Int(count))
        try check(clGetDeviceIDs(id.pointer, every, count, &ids, nil), call)
        return try survivors(of: ids.compactMap { $0 }) { (id) throws(OpenCLError) in
            try Device(Identifier(pointer: id), of: self)
        }
    }
}

/// `CL_PLATFORM_NOT_FOUND_KHR`: the loader found no driver. From the ICD extension, not in core headers.
private let noPlatform: Int32 = -1001

/// Held while drivers are asked what there is: their first answer sets them up, and PoCL 3.1 (and others like
/// it) then shows half-made devices to other threads. Drivers are one to a process, so the lock is too.
private let drivers = NSLock()
