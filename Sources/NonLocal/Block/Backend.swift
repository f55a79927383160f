public import SwiftOpenCL

/// Where a block runs.
public struct Backend: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case cpu
        case opencl(DeviceSelector)
        case automatic
    }

    let kind: Kind

    /// The CPU reference: plain loops over the formulas in Double.
    public static let cpu = Backend(kind: .cpu)
    /// The best OpenCL device: what the environment variable `NONLOCAL_DEVICE` names, else a GPU, else
    /// a CPU device.
    public static let opencl = Backend(kind: .opencl(.automatic))
    /// The best OpenCL device if there is one, else the CPU reference.
    public static let automatic = Backend(kind: .automatic)

    /// A certain OpenCL device.
    public static func opencl(_ device: DeviceSelector) -> Backend {
        Backend(kind: .opencl(device))
    }
}

extension Backend {
    /// The OpenCL device to run on, or none for the CPU reference.
    ///
    /// - Throws: `OpenCLError` if a device is wanted and none matches.
    func device() throws -> Device? {
        switch kind {
        case .cpu: return nil
        case .opencl(let selector): return try selector.device()
        case .automatic:
            do {
                return try DeviceSelector.automatic.device()
            } catch let error where error.reason == .noDevice {
                return nil
            }
        }
    }
}
