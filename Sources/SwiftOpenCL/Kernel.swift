import COpenCL
import Foundation

/// A function of a program that a queue runs over a range of work-items.
///
/// Arguments are given with each launch, see ``Queue/enqueue(_:arguments:global:local:offset:after:)``, so a
/// kernel can be used from several threads: setting arguments and enqueueing happen under a lock, because
/// `clSetKernelArg` is the one call of OpenCL that isn't safe from any thread.
///
/// The kernel keeps nothing alive between launches. A launch does: OpenCL retains the memory of a command's
/// arguments from enqueueing until the command is done.
public final class Kernel: Sendable {
    let handle: Handle
    let lock = NSLock()

    /// What events and messages call its launches.
    let launchCall: String

    /// The program the kernel is in.
    public let program: Program

    /// The function's name.
    public let name: String

    /// How many parameters it has.
    public let parameterCount: Int

    /// What the driver tells of its parameters: all of them where the program was built with
    /// `-cl-kernel-arg-info` (or the driver needs no such option), else none.
    public let parameters: [Parameter]

    /// Finds a kernel in a program.
    ///
    /// - Throws: ``OpenCLError`` with `CL_INVALID_KERNEL_NAME`, and the names there are, if it has none of
    ///   that name.
    public init(_ program: Program, name: String) throws(OpenCLError) {
        let device = program.context.device.name
        handle = try Handle(
            "clCreateKernel(\(name))", on: device,
            detail: (try? program.kernelNames).map { "\(program.title) has \($0.joined(separator: ", "))" },
            release: clReleaseKernel
        ) { clCreateKernel(program.handle.pointer, name, $0) }
        let info = Info("clGetKernelInfo(\(name))", on: device) { [pointer = handle.pointer] in
            clGetKernelInfo(pointer, $0, $1, $2, $3)
        }
        parameterCount = try info.uint(CL_KERNEL_NUM_ARGS)
        parameters = Parameter.all(of: handle, count: parameterCount)
        self.program = program
        self.name = name
        launchCall = "clEnqueueNDRangeKernel(\(name))"
    }
}
