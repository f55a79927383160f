import SwiftOpenCL
import Testing

@testable import NonLocal

/// What a block keeps its operands in: what was asked for, what fits, or what the device's kernels know.
@Suite(.needsDevice) struct PrecisionTests {
    /// Blocks of most forms, and sizes around those of the tiles.
    static let problems = [
        BlockCase([2, 9, 70]), BlockCase([1, 40, 33]), BlockCase([2, 5, 33]) { $0.pairwise = .gaussian },
        BlockCase([2, 4, 4, 6], norm: .batchNorm) { $0.subsample = .convFirst },
        BlockCase([2, 4, 3, 3, 5]) { $0.scope = .space }, BlockCase([2, 6, 70], normGroups: 2, mean: 1),
    ]

    private func prepared(
        _ problem: BlockCase, _ precision: Precision, kernels: KernelClass? = .warp,
        strategy: Strategy = .fused
    ) throws -> PreparedBlock {
        try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), strategy: strategy, kernels: kernels,
            testsKernels: false, precision: precision)
    }

    @Test(arguments: problems, [Precision.mixed, .float16, .bfloat16])
    func matches(_ problem: BlockCase, _ precision: Precision) throws {
        let prepared = try prepared(problem, precision)
        #expect(prepared.plan.precision == precision && prepared.plan.kernels == .warp)
        let result = try prepared.run(problem.input())
        #expect(result.precision == (precision == .mixed ? .float16 : precision))
        let exact = try self.prepared(problem, .float32).run(problem.input()).validation
        #expect((exact.tolerance ?? 1) < (result.validation.tolerance ?? 0))
        #expect((exact.maxRelativeError ?? 1) < (result.validation.maxRelativeError ?? 0))
    }

    /// Numbers far beyond float16's range, and far below it, are no reason for bfloat16.
    @Test(arguments: [0x1p60, 0x1p-60])
    func scales(_ deviation: Double) throws {
        let problem = BlockCase([1, 6, 40], biases: false, deviation: deviation) { $0.scale = .factor(0) }
        #expect(try prepared(problem, .mixed).run(problem.input()).precision == .float16)
    }

    static let uneven = BlockCase([1, 6, 40], biases: false) { $0.scale = .factor(0x1p-80) }

    /// Its input, with its first eight positions so many times larger than the others.
    static func input(raisedBy factor: Float) throws -> Tensor<Float> {
        let x = try uneven.input()
        return try Tensor(shape: x.shape) { target in
            for (index, value) in x.elements.enumerated() {
                target[index] = index % 40 < 8 ? value * factor : value
            }
        }
    }

    /// Positions 2⁴⁰ times smaller than others make a block go to bfloat16, and stay there.
    @Test(arguments: [KernelClass.warp, .tile]) func widens(_ kernels: KernelClass) throws {
        let prepared = try prepared(Self.uneven, .mixed, kernels: kernels)
        let x = try Self.input(raisedBy: 1)
        #expect(try prepared.run(x).precision == .float16)
        #expect(try prepared.run(Self.input(raisedBy: 0x1p40)).precision == .bfloat16)
        #expect(try prepared.run(x).precision == .bfloat16)
        #expect(try prepared.run(prepared.upload(x)).report.precision == .bfloat16)
        #expect(prepared.plan.precision == .mixed)
    }

    /// The same for weights, some of which are 2⁴⁰ times smaller than others of the same row. A map all of whose weights
    /// are that small is scaled by itself.
    @Test(arguments: [(8, Precision.float16), (2, .bfloat16)])
    func widensForWeights(_ smallOnes: Int, _ precision: Precision) throws {
        let problem = BlockCase([1, 16, 40], biases: false) { $0.scale = .factor(0x1p-40) }
        var weights = try problem.weights()
        let g = weights.g.weight
        weights.g.weight = try Tensor(shape: g.shape) { target in
            for (index, weight) in g.elements.enumerated() {
                target[index] = index % 8 < smallOnes ? weight * 0x1p-40 : weight
            }
        }
        let prepared = try NonLocalBlock(problem.configuration, weights: weights).prepared(
            for: problem.shape, on: TestDevice.session(), strategy: .fused, kernels: .warp,
            testsKernels: false, precision: .mixed)
        #expect(try prepared.run(problem.input()).precision == precision)
    }

    @Test func widensForBareOperands() throws {
        let operation = NonLocalOperation(scale: .factor(0x1p-50))
        let theta = try Tensor<Float>.normal(shape: [2, 8, 20], seed: 1)
        let phi = try Tensor<Float>.normal(shape: [2, 8, 50], seed: 2)
        let g = try Tensor<Float>.normal(shape: [2, 4, 50], seed: 3)
        let prepared = try operation.prepared(
            for: OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
            on: TestDevice.session(), kernels: .warp, precision: .mixed)
        #expect(try prepared.run(theta: theta, phi: phi, g: g).precision == .float16)
        let uneven = try Tensor(shape: phi.shape) { target in
            for (index, value) in phi.elements.enumerated() {
                target[index] = index % 50 < 16 ? value * 0x1p45 : value
            }
        }
        for _ in 0..<2 {
            #expect(try prepared.run(theta: theta, phi: uneven, g: g).precision == .bfloat16)
        }
    }

    /// A bias that takes most of W_z y away again, as a folded batch norm may, leaves its rounding.
    @Test func allowsForCancellation() throws {
        let problem = BlockCase([1, 12, 60]) { $0.scale = .factor(0.02) }
        var weights = try problem.weights()
        weights.g.bias = try weights.g.bias?.map { 20 * $0 }
        let x = try problem.input()
        let z = try NonLocalBlock(problem.configuration, weights: weights)(x, backend: .cpu)
        let change = try Tensor(shape: [12]) { target in
            for channel in 0..<12 {
                target[channel] = z.elements[channel * 60] - x.elements[channel * 60]
            }
        }
        let old = weights.output.bias?.elements ?? []
        weights.output.bias = try Tensor(shape: [12]) { target in
            for channel in 0..<12 { target[channel] = old[channel] - change.elements[channel] }
        }
        for precision in [Precision.float16, .bfloat16] {
            let prepared = try NonLocalBlock(problem.configuration, weights: weights).prepared(
                for: problem.shape, on: TestDevice.session(), strategy: .fused, kernels: .warp,
                testsKernels: false, precision: precision)
            let report = try prepared.run(x).validation
            #expect((report.maxRelativeError ?? 0) > 6 * precision.rounding)
        }
    }

    /// Kernels that know float32 alone serve `mixed` more exactly, with a word about it, and refuse the others.
    @Test(arguments: [KernelClass.panel, .plain])
    func float32Only(_ kernels: KernelClass) throws {
        let problem = BlockCase([1, 6, 20])
        let mixed = try prepared(problem, .mixed, kernels: kernels, strategy: .automatic)
        #expect(mixed.plan.precision == .float32)
        #expect(mixed.plan.notes.contains { $0.contains("\(kernels.rawValue) kernels compute in float32") })
        #expect(try mixed.run(problem.input()).precision == .float32)
        for precision in [Precision.float16, .bfloat16] {
            let error = failure(.configuration) {
                _ = try prepared(problem, precision, kernels: kernels, strategy: .automatic)
            }
            #expect(error?.message.contains("not \(precision.rawValue)") == true)
        }
    }

    /// Maps of chosen queries are float32's, whatever the block's own precision.
    @Test func attention() throws {
        let problem = BlockCase([1, 6, 20])
        _ = try prepared(problem, .bfloat16).attention(problem.input(), queries: [3, 19])
    }

    @Test func publicFaces() throws {
        let problem = BlockCase([1, 6, 20])
        let (block, x) = try (problem.block(), problem.input())
        let exact = try block(x, backend: .opencl)
        #expect(try block(x, backend: .opencl, precision: .float32) == exact)
        #expect(try block(x, queries: [4], backend: .opencl, precision: .mixed).shape == [1, 6, 1])
        let theta = try Tensor<Float>.normal(shape: [1, 3, 5], seed: 1)
        #expect(try nonLocal(theta: theta, phi: theta, g: theta, precision: .mixed).shape == [1, 3, 5])
        let error = failure(.configuration) { _ = try block(x, backend: .cpu, precision: .bfloat16) }
        #expect(error?.message.contains("double") == true)
        #expect(try block(x, backend: .cpu, precision: .mixed).shape == x.shape)
    }
}
