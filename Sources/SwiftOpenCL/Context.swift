import COpenCL

/// The home of the buffers, programs and queues of one device.
///
/// Objects of different contexts can't be used together.
public final class Context: Sendable {
    let handle: Handle

    /// The device whose context this is.
    public let device: Device

    /// Makes a context for one device.
    ///
    /// - Throws: ``OpenCLError`` if the driver refuses, for instance because the device isn't available.
    public init(device: Device) throws(OpenCLError) {
        let properties = [
            cl_context_properties(CL_CONTEXT_PLATFORM),
            cl_context_properties(bitPattern: device.platform.id.pointer), 0,
        ]
        var id: cl_device_id? = device.id.pointer
        handle = try Handle("clCreateContext", on: device.name, release: clReleaseContext) {
            clCreateContext(properties, 1, &id, nil, nil, $0)
        }
        self.device = device
    }

    /// Makes a context for the device that `selector` means on this machine.
    public convenience init(_ selector: DeviceSelector = .automatic) throws(OpenCLError) {
        try self.init(device: try selector.device())
    }
}
