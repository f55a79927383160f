import COpenCL
public import Foundation

extension DeviceSelector {
    /// The device this selector means on this machine.
    ///
    /// - Throws: ``OpenCLError`` with reason `.noDevice` if there is none at all, `.noMatch` with the list of
    ///   devices if none fits.
    public func device() throws(OpenCLError) -> Device { try select(from: try Device.all()) }

    /// The device this selector means among `devices`; the first where several fit.
    ///
    /// - Parameters:
    ///   - devices: the devices to choose from; positions in it are the numbers of ``index(_:)``.
    ///   - environment: where ``automatic`` looks for ``environmentVariable``.
    /// - Throws: ``OpenCLError`` with reason `.noDevice` or `.noMatch`.
    public func select(
        from devices: [Device], environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(OpenCLError) -> Device {
        guard !devices.isEmpty else {
            throw OpenCLError(
                .noDevice, code: CL_DEVICE_NOT_FOUND, call: "clGetDeviceIDs", detail: "no OpenCL device found"
            )
        }
        var selector = self
        var origin = ""
        if self == .automatic, let text = environment[Self.environmentVariable] {
            selector = DeviceSelector(text)
            origin = " (from \(Self.environmentVariable))"
        }
        guard let device = selector.match(devices) else {
            let list = devices.enumerated().map { "\($0): \($1)" }.joined(separator: "\n")
            throw OpenCLError(
                .noMatch, code: CL_DEVICE_NOT_FOUND, call: "clGetDeviceIDs",
                detail: "no OpenCL device matches '\(selector)'\(origin); there are\n\(list)")
        }
        return device
    }

    private func match(_ devices: [Device]) -> Device? {
        switch self {
        case .automatic:
            [DeviceType.gpu, .accelerator, .cpu, .other].lazy
                .compactMap { type in devices.first { $0.type == type && $0.isAvailable } }.first
        case .gpu: devices.first { $0.type == .gpu }
        case .cpu: devices.first { $0.type == .cpu }
        case .index(let index): devices.indices.contains(index) ? devices[index] : nil
        case .named(let part):
            devices.first {
                $0.name.containsIgnoringCase(part) || $0.platform.name.containsIgnoringCase(part)
            }
        }
    }
}

extension String {
    /// Whether `part`, which must not be empty, occurs in this string, whatever the case of its letters.
    fileprivate func containsIgnoringCase(_ part: String) -> Bool {
        !part.isEmpty && lowercased().contains(part.lowercased())
    }
}
