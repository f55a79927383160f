import COpenCL
import Foundation

/// Kernels built for a context's device.
public final class Program: Sendable {
    let handle: Handle

    /// The context the program belongs to.
    public let context: Context

    /// The names of its sources, for messages.
    let title: String

    /// What the compiler said, such as warnings; often empty.
    public let buildLog: String

    /// A piece of OpenCL C with the name that messages know it by.
    public struct Source: Sendable, Hashable {
        /// What build logs call it, such as `softmax.cl`.
        public let name: String
        /// The OpenCL C.
        public let text: String

        /// A source called `name`.
        public init(name: String, text: String) {
            self.name = name
            self.text = text
        }
    }

    /// Builds the sources, one after another, as one program.
    ///
    /// A `#line` directive before each makes the build log name file and line.
    ///
    /// - Parameters:
    ///   - context: the context of the device it is for.
    ///   - sources: at least one.
    ///   - options: the compiler's, such as `-cl-std=CL1.2` or `-DTILE=16`. With `-cl-kernel-arg-info`
    ///     kernels can check their arguments' types, see ``Kernel/parameters``.
    /// - Throws: ``OpenCLError`` with options and build log in its detail if the sources don't build.
    public init(_ context: Context, sources: [Source], options: [String] = []) throws(OpenCLError) {
        let title = sources.map(\.name).joined(separator: ", ")
        guard !sources.isEmpty else {
            throw OpenCLError(
                .argument, code: CL_INVALID_VALUE, call: "clCreateProgramWithSource",
                device: context.device.name, detail: "no sources given")
        }
        let text = sources.map(\.withLineDirective).joined()
        let created = try Handle(
            "clCreateProgramWithSource(\(title))", on: context.device.name, release: clReleaseProgram
        ) { status in
            text.withCString {
                var pointer: UnsafePointer<CChar>? = $0
                var length = text.utf8.count
                return clCreateProgramWithSource(context.handle.pointer, 1, &pointer, &length, status)
            }
        }
        buildLog = try created.build(title, in: context, options: options)
        handle = created
        self.context = context
        self.title = title
    }

    /// Takes over a program that is built already.
    init(_ handle: Handle, title: String, buildLog: String, context: Context) {
        self.handle = handle
        self.title = title
        self.buildLog = buildLog
        self.context = context
    }

    /// The kernels of the program, in the driver's order.
    public var kernelNames: [String] {
        get throws(OpenCLError) {
            let info = Info("clGetProgramInfo", on: context.device.name) { [pointer = handle.pointer] in
                clGetProgramInfo(pointer, $0, $1, $2, $3)
            }
            return try info.string(CL_PROGRAM_KERNEL_NAMES).split(separator: ";").map(String.init)
        }
    }
}

extension Program.Source {
    fileprivate var withLineDirective: String {
        let name = name.replacingOccurrences(of: "\\", with: "\\\\")
            .replacingOccurrences(of: "\"", with: "\\\"")
            .split(whereSeparator: \.isNewline).joined(separator: " ")
        return "#line 1 \"\(name)\"\n\(text)\n"
    }
}

extension Handle {
    /// Builds the program and returns the build log.
    func build(_ title: String, in context: Context, options: [String]) throws(OpenCLError) -> String {
        var id: cl_device_id? = context.device.id.pointer
        let line = options.joined(separator: " ")
        let status = clBuildProgram(pointer, 1, &id, line, nil, nil)
        let info = Info("clGetProgramBuildInfo", on: context.device.name) { [pointer] in
            clGetProgramBuildInfo(pointer, context.device.id.pointer, $0, $1, $2, $3)
        }
        // A log that can't be had is no reason to hide the status, or to refuse what was built.
        let log = (try? info.string(CL_PROGRAM_BUILD_LOG)) ?? ""
        try check(
            status, "clBuildProgram(\(title))", on: context.device.name,
            detail: "options: \(line.isEmpty ? "none" : line)\n\(log.isEmpty ? "(no build log)" : log)")
        return log
    }
}
