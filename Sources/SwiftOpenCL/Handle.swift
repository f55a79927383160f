import COpenCL

/// One reference to an OpenCL object, given back on deinitialisation.
///
/// Sendable, because the pointer never changes and OpenCL counts references and takes calls on any thread
/// (`clSetKernelArg` is the one exception; ``Kernel`` guards it).
final class Handle: @unchecked Sendable {
    let pointer: OpaquePointer
    private let release: @Sendable (OpaquePointer?) -> Int32

    /// Takes over a reference that the caller owns.
    init(owning pointer: OpaquePointer, release: @escaping @Sendable (OpaquePointer?) -> Int32) {
        self.pointer = pointer
        self.release = release
    }

    /// Calls one of OpenCL's create functions and takes over what it returns.
    convenience init(
        _ call: String, on device: String?, detail: @autoclosure () -> String? = nil,
        release: @escaping @Sendable (OpaquePointer?) -> Int32,
        creating create: (UnsafeMutablePointer<Int32>) -> OpaquePointer?
    ) throws(OpenCLError) {
        var status = CL_SUCCESS
        let pointer = create(&status)
        try check(status, call, on: device, detail: detail())
        guard let pointer else {
            throw OpenCLError(
                code: CL_OUT_OF_RESOURCES, call: call, device: device,
                detail: "the driver reported success but returned no object")
        }
        self.init(owning: pointer, release: release)
    }

    // A failing release cannot be reported from here, and leaves nothing to undo.
    deinit { _ = release(pointer) }
}

/// The identity of a platform or device: objects that live as long as the process and are never released.
///
/// Sendable, because the pointer is only compared and handed back to OpenCL.
struct Identifier: @unchecked Sendable, Hashable {
    let pointer: OpaquePointer
}
