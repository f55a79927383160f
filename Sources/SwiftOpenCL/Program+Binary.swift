import COpenCL

extension Program {
    /// The program as the driver would like to have it back: machine code, or PTX on NVIDIA.
    ///
    /// - Throws: ``OpenCLError``, with `CL_INVALID_BINARY` if the driver has none to give.
    public func binary() throws(OpenCLError) -> [UInt8] {
        let call = "clGetProgramInfo(\(title))"
        let info = Info(call, on: context.device.name) { [pointer = handle.pointer] in
            clGetProgramInfo(pointer, $0, $1, $2, $3)
        }
        let size = try info.array(CL_PROGRAM_BINARY_SIZES, of: Int.self).first ?? 0
        guard size > 0 else {
            throw OpenCLError(
                code: CL_INVALID_BINARY, call: call, device: context.device.name,
                detail: "the driver has no binary of this program")
        }
        var binary = [UInt8](repeating: 0, count: size)
        let status = binary.withUnsafeMutableBufferPointer {
            var pointer = $0.baseAddress
            return clGetProgramInfo(
                handle.pointer, cl_program_info(CL_PROGRAM_BINARIES), MemoryLayout.size(ofValue: pointer),
                &pointer, nil)
        }
        try check(status, call, on: context.device.name)
        return binary
    }

    /// Makes a program of what ``binary()`` gave, or of PTX on NVIDIA.
    ///
    /// - Parameters:
    ///   - context: of that device.
    ///   - binary: of the same device and, mostly, the same driver version.
    ///   - name: what messages call it.
    ///   - options: the compiler's, where the driver compiles on.
    /// - Throws: ``OpenCLError``, with `CL_INVALID_BINARY` if the driver doesn't take it.
    public convenience init(
        _ context: Context, binary: [UInt8], name: String = "binary", options: [String] = []
    ) throws(OpenCLError) {
        let call = "clCreateProgramWithBinary(\(name))"
        var id: cl_device_id? = context.device.id.pointer
        var size = binary.count
        var loaded = CL_SUCCESS
        let handle = try Handle(call, on: context.device.name, release: clReleaseProgram) { status in
            binary.withUnsafeBufferPointer {
                var pointer = $0.baseAddress
                return clCreateProgramWithBinary(
                    context.handle.pointer, 1, &id, &size, &pointer, &loaded, status)
            }
        }
        try check(loaded, call, on: context.device.name)
        let log = try handle.build(name, in: context, options: options)
        self.init(handle, title: name, buildLog: log, context: context)
    }
}
