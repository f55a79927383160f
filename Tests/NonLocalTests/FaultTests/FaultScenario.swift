import NonLocalKernels
import SwiftOpenCL

@testable import NonLocal

/// A way through the library, made ready on a session and then run as often as wanted.
struct FaultScenario: Sendable {
    let name: String
    /// Makes something ready and returns how to run it, once or again.
    let make: @Sendable (OpenCLSession) throws -> () throws -> [Float]
    /// Whether tensors are copied to the device even if it shares the host's memory.
    var copies = false

    static let all = [
        block("panel kernels", BlockCase([2, 4, 30])),
        block("absorbed maps", BlockCase([2, 4, 30]) { $0.subsample = .convFirst }, absorb: .on),
        block("a staged block", BlockCase([2, 4, 30]) { $0.subsample = .convFirst }, strategy: .staged),
        block("tile kernels", BlockCase([1, 4, 30]), kernels: .tile),
        block("warp kernels", BlockCase([1, 16, 30]), kernels: .warp),
        block("a sorted block", BlockCase([1, 4, 30]) { $0.pairwise = .concatenation }),
        block("a Gram matrix", BlockCase([1, 4, 60]) { $0.pairwise = .dotProduct }),
        block("skipping", BlockCase([1, 2, 700], deviation: 30) { $0.pairwise = .gaussian }, skip: .on),
        FaultScenario(name: "slices copied to the device") { session in
            let problem = BlockCase([4, 4, 30])
            let prepared = try problem.block().prepared(
                for: problem.shape, on: session, strategy: .staged, memoryLimit: 40_000)
            let x = try problem.input()
            return { try prepared(x).elements }
        }.copying,
        FaultScenario(name: "chosen queries and their attention") { session in
            let problem = BlockCase([2, 4, 30])
            let prepared = try problem.block().prepared(for: problem.shape, on: session)
            let x = try problem.input()
            return {
                try prepared.run(x, queries: [3, 5]).output.elements
                    + prepared.attention(x, queries: [7]).elements
            }
        },
        FaultScenario(name: "tensors on the device") { session in
            let problem = BlockCase([2, 4, 30])
            let prepared = try problem.block().prepared(for: problem.shape, on: session)
            let x = try problem.input()
            return { try prepared(prepared.upload(x)).download().elements }
        }.copying,
        FaultScenario(name: "the bare operation") { session in
            let x = try Tensor<Float>.normal(shape: [2, 3, 20], seed: 1)
            let operation = NonLocalOperation(pairwise: .embeddedGaussian)
            let prepared = try operation.prepared(
                for: OperationShape(operation, theta: x.shape, phi: x.shape, g: x.shape), on: session)
            return { try prepared(theta: x, phi: x, g: x).elements }
        },
    ]

    private static func block(
        _ name: String, _ problem: BlockCase, strategy: Strategy = .automatic, kernels: KernelClass? = nil,
        skip: Skipping = .automatic, absorb: Absorption = .automatic
    ) -> FaultScenario {
        FaultScenario(name: name) { session in
            let prepared = try problem.block().prepared(
                for: problem.shape, on: session, strategy: strategy, kernels: kernels, skip: skip,
                absorb: absorb, testsKernels: false)
            let x = try problem.input()
            return { try prepared(x).elements }
        }
    }

    private var copying: FaultScenario {
        var scenario = self
        scenario.copies = true
        return scenario
    }

    func session(on device: Device) throws -> OpenCLSession {
        try OpenCLSession(device, sharesHostMemory: copies ? false : nil)
    }
}

/// The statuses that a function may fail with and that matter: OpenCL's, and for commands that end abnormally the
/// layer's way to say so.
enum FaultStatuses {
    static let outOfResources: Int32 = -5
    static let outOfHostMemory: Int32 = -6

    static func all(of name: String) -> [Int32] {
        let common = [outOfResources, outOfHostMemory]
        switch name {
        // Memory that can't be had, whatever the call.
        case "clCreateBuffer": return common + [-4, -61, -37]
        case "clBuildProgram": return common + [-11, -3, -43]
        case "clCreateContext", "clGetDeviceInfo", "clGetDeviceIDs": return common + [-2, -33]
        case "clCreateCommandQueue": return common + [-2, -35]
        case "clCreateProgramWithSource", "clCreateProgramWithBinary": return common + [-34, -42]
        case "clCreateKernel": return common + [-45, -46]
        case "clSetKernelArg": return common + [-48, -51, -38]
        case "clEnqueueNDRangeKernel": return common + [-4, -36, -54, -9999]
        case "clEnqueueMapBuffer": return common + [-4, -12, -36]
        case _ where name.hasPrefix("clEnqueue"): return common + [-4, -36, -9999]
        case "clWaitForEvents": return common + [-14, -58]
        // The command itself ended: out of resources, and a device lost.
        case "clGetEventInfo": return common + [5, 9999]
        case "clGetEventProfilingInfo": return common + [-7]
        case "clFlush", "clFinish": return common + [-36, -9999]
        default: return common + [-30]
        }
    }
}
