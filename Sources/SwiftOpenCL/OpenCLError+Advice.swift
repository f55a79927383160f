import COpenCL

extension OpenCLError {
    /// What to do about it, where there is something to say.
    public var advice: String? {
        switch reason {
        case .noDevice:
            "Install the device's driver, or PoCL, which makes an OpenCL device of the CPU: "
                + "apt install pocl-opencl-icd"
        case .noMatch: "Name one by its number, by part of its name, or with gpu or cpu."
        case .status, .argument, .range: Self.advice(for: code)
        }
    }

    private static func advice(for code: Int32) -> String? {
        switch code {
        case CL_DEVICE_NOT_AVAILABLE: "Another process may hold the device; choose another or try later."
        case CL_COMPILER_NOT_AVAILABLE: "The driver has no compiler; install its full package."
        case CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_RESOURCES, CL_OUT_OF_HOST_MEMORY:
            "Use smaller buffers or a smaller work-group, or release what is no longer needed."
        case CL_PROFILING_INFO_NOT_AVAILABLE:
            "Make the queue with profiling, and wait for the event before reading its times."
        case CL_MEM_COPY_OVERLAP: "Copy through a third buffer."
        case CL_BUILD_PROGRAM_FAILURE, CL_COMPILE_PROGRAM_FAILURE: "Mend the source at the lines named above."
        case CL_INVALID_BUILD_OPTIONS: "Check the build options for spelling and for this OpenCL version."
        case CL_INVALID_BINARY: "Build from source: binaries suit one device and one driver version."
        case CL_INVALID_KERNEL_NAME: "Name one of the program's kernels."
        case CL_INVALID_CONTEXT, CL_INVALID_MEM_OBJECT: "Make all objects of a command in one context."
        case CL_INVALID_ARG_VALUE, CL_INVALID_ARG_SIZE, CL_INVALID_KERNEL_ARGS, CL_INVALID_ARG_INDEX:
            "Give one argument of the declared type for each of the kernel's parameters, in order."
        case CL_INVALID_WORK_DIMENSION, CL_INVALID_GLOBAL_WORK_SIZE:
            "Give one to three positive global sizes."
        case CL_INVALID_WORK_GROUP_SIZE, CL_INVALID_WORK_ITEM_SIZE:
            "Make each local size divide its global size, within the kernel's and the device's limits."
        case CL_INVALID_BUFFER_SIZE: "Ask for at least one element, and for no more than the device allows."
        case CL_INVALID_VALUE: "Check sizes and ranges against the objects they refer to."
        default: nil
        }
    }
}
