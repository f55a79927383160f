public import SwiftOpenCL

/// Where a block runs.
public struct Backend: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case cpu
        case opencl(DeviceSelector)
        case session(OpenCLSession)
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

    /// A session, whose kernels and device tensors are shared by all that is prepared in it.
    public static func opencl(in session: OpenCLSession) -> Backend {
        Backend(kind: .session(session))
    }
}

extension Backend {
    /// The session to run in, or none for the CPU reference.
    ///
    /// - Parameter make: gets the session of a device, where none was given.
    /// - Throws: `OpenCLError` if a device is wanted and none matches, and what `make` throws.
    func session(_ make: (Device) throws -> OpenCLSession) throws -> OpenCLSession? {
        switch kind {
        case .cpu: return nil
        case .session(let session): return session
        case .opencl(let selector): return try make(selector.device())
        case .automatic:
            let device: Device
            do {
                device = try DeviceSelector.automatic.device()
            } catch let error where error.reason == .noDevice {
                return nil
            }
            return try make(device)
        }
    }
}
