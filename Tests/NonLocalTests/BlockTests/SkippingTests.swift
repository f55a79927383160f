import Foundation
import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// Blocks of keys left out of the fused softmax: what comes out is the same but for rounding.
@Suite(.needsDevice) struct SkippingTests {
    /// Positions and how they are compared.
    struct Problem: CustomTestStringConvertible, Sendable {
        let testDescription: String
        var batch = 1
        var rows = 1500
        var keys = 1500
        var values = 5
        var scale = Scale.none
        var ownWeight = OwnWeight.include
        /// Whether blocks have to be left out, and not just may.
        var leavesOut = true
        /// θ or φ, `[3, positions]`, by item.
        var point: @Sendable (_ isKey: Bool, _ item: Int, _ n: Int) -> [Float] = Self.clustered()

        /// Points around seven places, by distance: θ = (f, 1), φ = (f, −‖f‖²/2), as in non-local means.
        static func clustered(_ sign: Float = 1) -> @Sendable (Bool, Int, Int) -> [Float] {
            { isKey, item, n in
                let place = n * 3 % 7
                let f = [
                    Float(place % 3) * 30 + noise(1, item, n), Float(place / 3) * 30 + noise(2, item, n),
                ]
                return f.map { isKey ? $0 : sign * $0 } + [isKey ? -(f[0] * f[0] + f[1] * f[1]) / 2 : sign]
            }
        }

        static func random(_ size: Float) -> @Sendable (Bool, Int, Int) -> [Float] {
            { isKey, item, n in (0..<3).map { size * noise(isKey ? 1 : 0, item, n, $0) } }
        }

        func tensors() throws -> (theta: Tensor<Float>, phi: Tensor<Float>, g: Tensor<Float>) {
            func tensor(_ isKey: Bool, _ count: Int) throws -> Tensor<Float> {
                var elements: [Float] = []
                for item in 0..<batch {
                    let points = (0..<count).map { point(isKey, item, $0) }
                    for c in 0..<3 { elements += points.map { $0[c] } }
                }
                return try Tensor(shape: [batch, 3, count], elements: elements)
            }
            return (
                try tensor(false, rows), try tensor(true, keys),
                try .normal(shape: [batch, values, keys], seed: 3)
            )
        }
    }

    static let problems = [
        Problem(testDescription: "clusters"),
        Problem(testDescription: "three items", batch: 3, rows: 500, keys: 1111),
        Problem(testDescription: "more keys", rows: 97, keys: 2003),
        Problem(testDescription: "more queries", rows: 1009, keys: 1200, values: 1),
        Problem(testDescription: "own weight excluded", ownWeight: .exclude),
        Problem(testDescription: "own weight of the strongest", batch: 2, ownWeight: .strongest),
        Problem(
            testDescription: "negative scale", scale: .factor(-0.7), point: Problem.clustered(-1)),
        Problem(testDescription: "logits of 10⁴", point: Problem.random(60)),
        Problem(testDescription: "logits of 10⁴, negative", scale: .factor(-1), point: Problem.random(60)),
        Problem(testDescription: "random", leavesOut: false, point: Problem.random(1)),
        Problem(testDescription: "random, some spread", leavesOut: false, point: Problem.random(4)),
        Problem(testDescription: "scale 0", scale: .factor(0), leavesOut: false),
        Problem(testDescription: "one query", rows: 1),
        Problem(testDescription: "one key", rows: 50, keys: 1, leavesOut: false),
        Problem(testDescription: "one block", rows: 49, keys: 96, leavesOut: false),
        Problem(
            testDescription: "equal points", leavesOut: false,
            point: { isKey, _, _ in [2, 1, isKey ? -2.5 : 1] }),
        Problem(
            testDescription: "equal but one", ownWeight: .strongest, leavesOut: false,
            point: { _, _, n in [n == 5 ? 9 : 1, 1, 1] }),
    ]

    private func prepared(_ problem: Problem, _ skip: Skipping, on session: OpenCLSession) throws
        -> PreparedOperation
    {
        let operation = NonLocalOperation(scale: problem.scale, ownWeight: problem.ownWeight)
        let (theta, phi, g) = try problem.tensors()
        return try operation.prepared(
            for: OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape), on: session,
            strategy: .fused, kernels: .panel, skip: skip)
    }

    @Test(arguments: problems) func leavesTheResult(_ problem: Problem) throws {
        let session = try TestDevice.session()
        let (theta, phi, g) = try problem.tensors()
        let skipping = try prepared(problem, .on, on: session)
        let complete = try prepared(problem, .off, on: session)
        #expect(skipping.plan.skipsBlocks && !complete.plan.skipsBlocks)
        let result = try skipping.run(theta: theta, phi: phi, g: g)
        let expected = try complete.run(theta: theta, phi: phi, g: g)
        expectSame(result.output, expected.output)
        let share = try #require(result.computedShare)
        #expect(expected.computedShare == nil)
        #expect(problem.leavesOut ? (0.01...0.7).contains(share) : (0.01...1).contains(share), "\(share)")
        let again = try skipping.run(theta: theta, phi: phi, g: g)
        expectSameBits(again.output.elements, result.output.elements)
        #expect(again.computedShare == share)
    }

    /// Many blocks, each of which alone is below rounding while together they are not.
    @Test func whatIsLeftOutIsSummed() throws {
        let session = try TestDevice.session()
        let source = KernelSource.panelSkip
        let mutated = source.text.replacing("left[v]);", with: "(Lanes)(0.0f));")
        try #require(mutated != source.text)
        let (blocks, size) = (600, PanelTile(session.device).ordered.blockKeys)
        // Two keys weigh 1.99, whose last digit each of the other blocks, at 1.1e-7, is worth.
        let phi = try Tensor<Float>(shape: [1, 1, blocks * size]) { phi in
            for n in phi.indices { phi[n] = n < 2 ? log(1 - 0.01 * Float(n)) : log(1.1e-7 / Float(size)) }
        }
        let g = try Tensor<Float>(shape: [1, 1, blocks * size]) { g in
            for n in g.indices { g[n] = n < 2 ? 1 : -1 }
        }
        let theta = try Tensor<Float>(repeating: 1, shape: [1, 1, 3])
        let operation = NonLocalOperation()
        let shape = try OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape)
        func run(_ session: OpenCLSession) throws -> BlockResult {
            try operation.prepared(for: shape, on: session, kernels: .panel, skip: .on)
                .run(theta: theta, phi: phi, g: g)
        }
        let share = try run(session).computedShare
        #expect((0.9..<1).contains(share ?? 0), "\(String(describing: share))")
        _ = failure(.mismatch) { _ = try run(TestDevice.session(overriding: [source: mutated])) }
    }

    @Test func numbersThatAreNotFiniteReachTheResult() throws {
        let problem = Problem(testDescription: "")
        let (theta, phi, g) = try problem.tensors()
        var elements = phi.elements
        elements[5] = .nan
        let spoilt = try Tensor<Float>(shape: phi.shape, elements: elements)
        let operation = NonLocalOperation()
        let prepared = try PreparedOperation(
            operation, OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
            session: TestDevice.session(),
            options: RunOptions(kernels: .panel, skip: .on, validation: .off, allowsNonFinite: true))
        let y = try prepared(theta: theta, phi: spoilt, g: g)
        let finite = y.elements.firstIndex { !$0.isNaN }
        #expect(finite == nil)
    }

    @Test(arguments: [
        BlockCase([2, 2, 700], deviation: 30) { $0.pairwise = .gaussian },
        BlockCase([2, 2, 3, 10, 20], deviation: 30) { ($0.pairwise, $0.scope) = (.gaussian, .space) },
        BlockCase([1, 2, 2, 20, 20], deviation: 30) { ($0.pairwise, $0.subsample) = (.gaussian, .poolFirst) },
        BlockCase([2, 400, 3], deviation: 9, layout: .channelsLast) { $0.ownWeight = .exclude },
    ]) func blocksToo(_ problem: BlockCase) throws {
        let prepared = try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), strategy: .fused, kernels: .panel, skip: .on)
        let x = try problem.input()
        let result = try prepared.run(x)
        #expect(
            (0.01..<1).contains(result.computedShare ?? 1), "\(String(describing: result.computedShare))")
        let chosen = try prepared.run(x, queries: [3, 50])
        #expect(chosen.computedShare == nil && chosen.validation.rows == 2 * problem.shape[0])
    }

    @Test func memoryDecides() throws {
        let operation = NonLocalOperation()
        let shape = try OperationShape(
            operation, theta: [1, 3, 5000], phi: [1, 3, 5000], g: [1, 4, 5000])
        let session = try TestDevice.session()
        func plan(_ skip: Skipping, _ limit: Int? = nil) throws -> Plan {
            try operation.prepared(for: shape, on: session, kernels: .panel, skip: skip, memoryLimit: limit)
                .plan
        }
        let (on, off) = (try plan(.automatic), try plan(.off))
        #expect(on.skipsBlocks && on.description.contains("skipping"))
        #expect(on.peakMemory > off.peakMemory)
        let limited = try plan(.automatic, on.peakMemory - 4)
        #expect(!limited.skipsBlocks)
        _ = failure(.memory) { _ = try plan(.on, on.peakMemory - 4) }
    }

    @Test func whereItCannotBeDoneItIsRefused() throws {
        let session = try TestDevice.session()
        func refuses(_ pairwise: Pairwise, _ strategy: Strategy, _ kernels: KernelClass) throws {
            let operation = NonLocalOperation(pairwise: pairwise)
            let shape = try OperationShape(operation, theta: [1, 3, 50], phi: [1, 3, 50], g: [1, 4, 50])
            let error = failure(.configuration) {
                _ = try operation.prepared(
                    for: shape, on: session, strategy: strategy, kernels: kernels, skip: .on)
            }
            #expect(error?.message.contains("skip") == true)
        }
        try refuses(.dotProduct, .automatic, .panel)
        try refuses(.embeddedGaussian, .staged, .panel)
        try refuses(.embeddedGaussian, .automatic, .plain)
        let x = try Tensor<Float>(repeating: 1, shape: [1, 3, 50])
        _ = failure(.configuration) { _ = try nonLocal(theta: x, phi: x, g: x, backend: .cpu, skip: .on) }
    }
}
