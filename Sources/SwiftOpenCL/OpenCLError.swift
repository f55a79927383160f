import COpenCL
public import Foundation

/// What went wrong in a call to OpenCL, on which device, and what to do about it.
///
/// The wrapper refuses some calls before they reach the driver, because drivers disagree on them or do not
/// look at all: ``reason`` then is not ``Reason/status``, and ``code`` is the status OpenCL has for the case.
///
///     clBuildProgram(attention.cl) on 'NVIDIA H200' failed: CL_BUILD_PROGRAM_FAILURE (-11)
///     options: -cl-std=CL1.2 -DTILE=16
///     attention.cl:12:5: error: use of undeclared identifier 'sum'
public struct OpenCLError: Error, Sendable, Equatable {
    /// The kind of failure, for callers that treat kinds differently.
    public enum Reason: Sendable, Hashable {
        /// A driver returned an error status, or a command ended abnormally.
        case status
        /// There is no OpenCL device on this machine.
        case noDevice
        /// There are devices, but none that the selector describes.
        case noMatch
        /// An argument does not fit: a kernel's parameter, a work size, an object of another context.
        case argument
        /// A count, size or range is empty, overflows or lies outside its buffer.
        case range
    }

    /// The kind of failure.
    public let reason: Reason

    /// OpenCL's status code, such as −11.
    public let code: Int32

    /// The OpenCL function and what it was about, such as `clBuildProgram(attention.cl)`.
    public let call: String

    /// The name of the device concerned, if one was chosen already.
    public let device: String?

    /// What is known beyond the status: options and build log, a kernel argument, the devices there are.
    public let detail: String?

    /// OpenCL's own name for ``code``, such as `CL_BUILD_PROGRAM_FAILURE`.
    public var name: String { Self.name(of: code) }

    /// Whether the device, the driver or the host had no more memory for what was asked: less may still do.
    public var isShortOfMemory: Bool {
        reason == .status
            && [
                CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_RESOURCES, CL_OUT_OF_HOST_MEMORY,
                CL_INVALID_BUFFER_SIZE,
            ].contains(code)
    }

    init(
        _ reason: Reason = .status, code: Int32, call: String, device: String? = nil, detail: String? = nil
    ) {
        self.reason = reason
        self.code = code
        self.call = call
        self.device = device
        self.detail = detail
    }
}

extension OpenCLError: CustomStringConvertible, LocalizedError {
    /// One line that says what failed, then the detail, then what to do.
    public var description: String {
        [summary, detail, advice].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    /// The same text as ``description``, for Foundation's error presentation.
    public var errorDescription: String? { description }

    private var summary: String? {
        switch reason {
        case .noDevice, .noMatch: nil
        case .status, .argument, .range:
            "\(call)\(device.map { " on '\($0)'" } ?? "") failed: \(name) (\(code))"
        }
    }
}
