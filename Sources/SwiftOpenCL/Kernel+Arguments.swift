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
        if !parameters.isEmpty, !parameters[index].accepts(value.storage) {
            let parameter = parameters[index]
            throw refusal(
                CL_INVALID_ARG_VALUE,
                "\(label(index)) is \(value.swiftType), but the kernel wants \(parameter.addressSpace) "
                    + parameter.typeName)
        }
        switch value.storage {
        case .bytes(let bytes, _):
            let status = bytes.withAddress {
                clSetKernelArg(handle.pointer, cl_uint(index), bytes.count, $0)
            }
            try check(status, "\(label(index)) is \(value.swiftType) of \(bytes.count) bytes")
        case .memory(let memory, let context):
            guard context === program.context else {
                throw refusal(
                    CL_INVALID_MEM_OBJECT, "\(label(index)) belongs to another context than the kernel")
            }
            var pointer: cl_mem? = memory.pointer
            let status = clSetKernelArg(
                handle.pointer, cl_uint(index), MemoryLayout<cl_mem?>.size, &pointer)
            try check(status, "\(label(index)) is \(value.swiftType)")
        case .local(let bytes):
            guard bytes > 0 else {
                throw refusal(
                    CL_INVALID_ARG_SIZE, "\(label(index)) is \(bytes) bytes of local memory")
            }
            let status = clSetKernelArg(handle.pointer, cl_uint(index), bytes, nil)
            try check(status, "\(label(index)) is \(bytes) bytes of local memory")
        }
    }

    private func label(_ index: Int) -> String {
        "argument \(index)\(parameters.isEmpty ? "" : " ('\(parameters[index].name)')")"
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
