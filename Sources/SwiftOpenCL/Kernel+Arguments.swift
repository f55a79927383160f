import COpenCL

extension Kernel {
    /// Sets all arguments. The caller holds the lock.
    func set(_ arguments: [any KernelArgument]) throws(OpenCLError) {
        guard arguments.count == parameterCount else {
            throw refusal(
                CL_INVALID_KERNEL_ARGS,
                "\(arguments.count) arguments given, \(parameterCount) wanted\(signature)")
        }
        for (index, argument) in arguments.enumerated() {
            try set(argument.kernelArgumentValue, at: index)
        }
    }

    private func set(_ value: KernelArgumentValue, at index: Int) throws(OpenCLError) {
        let label = "argument \(index)\(parameters.isEmpty ? "" : " ('\(parameters[index].name)')")"
        if !parameters.isEmpty, !parameters[index].accepts(value.storage) {
            let parameter = parameters[index]
            throw refusal(
                CL_INVALID_ARG_VALUE,
                "\(label) is \(value.swiftType), but the kernel wants \(parameter.addressSpace) "
                    + parameter.typeName)
        }
        switch value.storage {
        case .bytes(let bytes, _):
            let status = clSetKernelArg(handle.pointer, cl_uint(index), bytes.count, bytes)
            try check(status, "\(label) is \(value.swiftType) of \(bytes.count) bytes")
        case .memory(let memory, let context):
            guard context === program.context else {
                throw refusal(CL_INVALID_MEM_OBJECT, "\(label) belongs to another context than the kernel")
            }
            var pointer: cl_mem? = memory.pointer
            let status = clSetKernelArg(
                handle.pointer, cl_uint(index), MemoryLayout<cl_mem?>.size, &pointer)
            try check(status, "\(label) is \(value.swiftType)")
        case .local(let bytes):
            let detail = "\(label) is \(bytes) bytes of local memory"
            guard bytes > 0 else { throw refusal(CL_INVALID_ARG_SIZE, detail) }
            try check(clSetKernelArg(handle.pointer, cl_uint(index), bytes, nil), detail)
        }
    }

    private func check(_ status: Int32, _ detail: @autoclosure () -> String) throws(OpenCLError) {
        guard status != CL_SUCCESS else { return }
        throw refusal(status, detail())
    }

    private func refusal(_ code: Int32, _ detail: String) -> OpenCLError {
        OpenCLError(
            .argument, code: code, call: "clSetKernelArg(\(name))", device: program.context.device.name,
            detail: detail)
    }

    private var signature: String {
        guard !parameters.isEmpty else { return "" }
        return ": " + parameters.map { "\($0.typeName) \($0.name)" }.joined(separator: ", ")
    }
}
