import Testing

@testable import SwiftOpenCL

@Suite(.needsDevice) struct KernelArgumentTests {
    private let queue: Queue
    private let kernel: Kernel
    private let x: Buffer<Float>
    private var context: Context { queue.context }

    init() throws {
        queue = try TestDevice.queue()
        kernel = try Kernel(try Program.make(Sources.arithmetic, in: queue.context), name: "scale")
        x = try Buffer(queue.context, copying: [1, 2, 3, 4])
    }

    private func refusal(
        of arguments: [any KernelArgument], global: [Int] = [4], local: [Int]? = nil, offset: [Int]? = nil
    ) throws -> OpenCLError {
        try failure {
            try queue.enqueue(kernel, arguments: arguments, global: global, local: local, offset: offset)
        }
    }

    @Test(arguments: [0, 2, 4])
    func counts(_ count: Int) throws {
        let all: [any KernelArgument] = [x, x, Float(1), Float(1)]
        let error = try refusal(of: Array(all.prefix(count)))
        #expect(error.reason == .argument)
        #expect(error.name == "CL_INVALID_KERNEL_ARGS")
        #expect(error.call == "clSetKernelArg(scale)")
        #expect(error.description.contains("\(count) arguments given, 3 wanted"))
        #expect(error.description.contains("float factor"))
    }

    @Test func sizes() throws {
        let error = try refusal(of: [x, x, Int64(1)])
        #expect(error.reason == .argument)
        #expect(error.description.contains("argument 2 ('factor') is Int64"))
    }

    /// Without the parameters' types it is OpenCL that compares sizes.
    @Test func sizesWithoutParameterInfo() throws {
        let source = Program.Source(
            name: "plain.cl", text: "__kernel void plain(__global int *y, const int a) { y[0] = a; }")
        let plain = try Kernel(try Program(context, sources: [source]), name: "plain")
        let y = try Buffer<Int32>(context, count: 1)
        let error = try failure { try queue.enqueue(plain, arguments: [y, Int64(1)], global: [1]) }
        #expect(error.reason == .argument)
        #expect(error.description.contains("argument 1"))
        #expect(error.description.contains("Int64"))
        try queue.enqueue(plain, arguments: [y, Int32(3)], global: [1])
        #expect(try queue.read(y) == [3])
    }

    /// A float and an int have one size: OpenCL itself would take the one for the other.
    @Test func types() throws {
        let error = try refusal(of: [x, x, Int32(1)])
        #expect(error.name == "CL_INVALID_ARG_VALUE")
        #expect(
            error.description.contains("argument 2 ('factor') is Int32, but the kernel wants private float"))
    }

    @Test func kinds() throws {
        let scalar = try refusal(of: [x, Float(1), Float(1)])
        #expect(scalar.description.contains("argument 1 ('y') is Float, but the kernel wants global float*"))
        let buffer = try refusal(of: [x, x, x])
        #expect(buffer.description.contains("argument 2 ('factor') is Buffer<Float>"))
        let local = try refusal(of: [x, LocalMemory(bytes: 16), Float(1)])
        #expect(local.description.contains("argument 1 ('y') is LocalMemory"))
    }

    @Test(arguments: [0, -4])
    func localMemoryMustNotBeEmpty(_ bytes: Int) throws {
        let kernel = try Kernel(kernel.program, name: "sum_group")
        let y = try Buffer<Int32>(context, count: 4)
        let error = try failure {
            try queue.enqueue(kernel, arguments: [y, y, LocalMemory(bytes: bytes)], global: [4])
        }
        #expect(error.reason == .argument)
        #expect(error.description.contains("argument 2 ('scratch') is \(bytes) bytes of local memory"))
    }

    @Test func contexts() throws {
        let other = try TestDevice.queue()
        let foreign = try Buffer<Float>(other.context, count: 4)
        let error = try refusal(of: [x, foreign, Float(1)])
        #expect(error.name == "CL_INVALID_MEM_OBJECT")
        #expect(error.description.contains("argument 1 ('y') belongs to another context"))
        let kernelError = try failure {
            try other.enqueue(kernel, arguments: [foreign, foreign, Float(1)], global: [4])
        }
        #expect(kernelError.name == "CL_INVALID_CONTEXT")
    }

    @Test(
        arguments: [
            ([], nil, nil, "CL_INVALID_WORK_DIMENSION"),
            ([1, 1, 1, 1], nil, nil, "CL_INVALID_WORK_DIMENSION"),
            ([0], nil, nil, "CL_INVALID_GLOBAL_WORK_SIZE"),
            ([4, 0], nil, nil, "CL_INVALID_GLOBAL_WORK_SIZE"),
            ([-4], nil, nil, "CL_INVALID_GLOBAL_WORK_SIZE"), ([4], [0], nil, "CL_INVALID_WORK_GROUP_SIZE"),
            ([4], [2, 2], nil, "CL_INVALID_WORK_GROUP_SIZE"), ([4], nil, [-1], "CL_INVALID_GLOBAL_OFFSET"),
            ([4], nil, [0, 0], "CL_INVALID_GLOBAL_OFFSET"),
        ] as [([Int], [Int]?, [Int]?, String)])
    func workSizes(_ global: [Int], _ local: [Int]?, _ offset: [Int]?, _ name: String) throws {
        let error = try refusal(of: [x, x, Float(1)], global: global, local: local, offset: offset)
        #expect(error.reason == .argument)
        #expect(error.name == name)
        #expect(error.call == "clEnqueueNDRangeKernel(scale)")
    }

    @Test func workGroupsThatAreTooLarge() throws {
        let size = 2 * context.device.maxWorkGroupSize
        let error = try refusal(of: [x, x, Float(1)], global: [size], local: [size])
        #expect(error.reason == .status)
        #expect(error.description.contains("local [\(size)]"))
    }

    @Test func aRefusedLaunchLeavesTheKernelUsable() throws {
        _ = try refusal(of: [x, x, Int32(1)])
        let y = try Buffer<Float>(context, count: 4)
        try queue.enqueue(kernel, arguments: [x, y, Float(3)], global: [4])
        #expect(try queue.read(y) == [3, 6, 9, 12])
    }
}
