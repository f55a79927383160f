import Testing

@testable import SwiftOpenCL

@Suite(.needsDevice) struct ProgramTests {
    private let queue: Queue
    private var context: Context { queue.context }

    init() throws { queue = try TestDevice.queue() }

    @Test func aBuildFailureNamesFileLineAndOptions() throws {
        let sources = [
            Sources.arithmetic,
            Program.Source(
                name: "broken.cl", text: "__kernel void broken(__global int *y) {\n    y[0] = missing;\n}"),
        ]
        let error = try failure {
            _ = try Program(context, sources: sources, options: ["-cl-std=CL1.2", "-DTILE=16"])
        }
        #expect(error.reason == .status)
        #expect(error.name == "CL_BUILD_PROGRAM_FAILURE")
        #expect(error.call == "clBuildProgram(arithmetic.cl, broken.cl)")
        #expect(error.device == context.device.name)
        let detail = try #require(error.detail)
        #expect(detail.hasPrefix("options: -cl-std=CL1.2 -DTILE=16\n"))
        #expect(detail.contains("broken.cl:2:"))
        #expect(detail.contains("missing"))
        #expect(!detail.contains("arithmetic.cl:"))
    }

    @Test func namesWithQuotesStayNames() throws {
        let source = Program.Source(name: "a \"b\" \\c\nd.cl", text: "__kernel void f() { nothing; }")
        let error = try failure { _ = try Program(context, sources: [source]) }
        #expect(error.name == "CL_BUILD_PROGRAM_FAILURE")
        #expect(try #require(error.detail).contains(":1:"))
    }

    @Test func sourcesWithoutALastNewlineStayApart() throws {
        let sources = [
            Program.Source(name: "one.cl", text: "#define ONE 1"),
            Program.Source(name: "two.cl", text: "__kernel void two(__global int *y) { y[0] = ONE + TWO; }"),
        ]
        let program = try Program(context, sources: sources, options: ["-DTWO=2"])
        let y = try Buffer<Int32>(context, count: 1)
        try queue.enqueue(try Kernel(program, name: "two"), arguments: [y], global: [1])
        #expect(try queue.read(y) == [3])
    }

    @Test func aProgramNeedsASource() throws {
        let error = try failure { _ = try Program(context, sources: []) }
        #expect(error.reason == .argument)
        #expect(error.description.contains("no sources given"))
    }

    @Test func warningsAreInTheBuildLog() throws {
        let text = "__kernel void f(__global int *y) {\n#warning look here\n    y[0] = 1;\n}"
        let program = try Program(context, sources: [Program.Source(name: "warned.cl", text: text)])
        #expect(program.buildLog.contains("look here"))
        #expect(program.buildLog.contains("warned.cl:2"))
    }

    @Test func wrongOptionsAreNamed() throws {
        let error = try failure {
            _ = try Program(context, sources: [Sources.arithmetic], options: ["-no-such-option"])
        }
        #expect(try #require(error.detail).contains("options: -no-such-option"))
    }

    @Test func missingKernelsListWhatThereIs() throws {
        let program = try Program.make(Sources.arithmetic, in: context)
        let error = try failure { _ = try Kernel(program, name: "scales") }
        #expect(error.name == "CL_INVALID_KERNEL_NAME")
        #expect(error.call == "clCreateKernel(scales)")
        let detail = try #require(error.detail)
        for name in ["arithmetic.cl", "label", "mark", "scale", "sum_group"] {
            #expect(detail.contains(name))
        }
    }

    @Test func binariesComeBack() throws {
        let binary = try Program.make(Sources.arithmetic, in: context).binary()
        #expect(!binary.isEmpty)
        let program = try Program(context, binary: binary, name: "arithmetic.bin")
        let kernel = try Kernel(program, name: "scale")
        let y = try Buffer<Float>(context, count: 2)
        let x = try Buffer<Float>(context, copying: [1, 2])
        try queue.enqueue(kernel, arguments: [x, y, Float(4)], global: [2])
        #expect(try queue.read(y) == [4, 8])
    }

    @Test(arguments: [[], [1, 2, 3, 4]] as [[UInt8]])
    func wrongBinariesAreRefused(_ binary: [UInt8]) throws {
        let error = try failure { _ = try Program(context, binary: binary, name: "noise.bin") }
        #expect(error.reason == .status)
        #expect(error.description.contains("noise.bin"))
    }
}
