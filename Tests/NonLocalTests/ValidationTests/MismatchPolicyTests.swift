import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// What becomes of wrong results.
@Suite(.needsDevice) struct MismatchPolicyTests {
    private static let problem = BlockCase([2, 9, 70])

    /// A block whose softmax has the wrong scale.
    private func wrong(_ policy: MismatchPolicy) throws -> PreparedBlock {
        let source = KernelSource.softmax
        let session = try TestDevice.session(
            overriding: [source: source.text.replacing("scale * 2.0f", with: "scale")])
        let problem = Self.problem
        return try PreparedBlock(
            problem.configuration, FoldedWeights(problem.weights(), pairwise: problem.configuration.pairwise),
            shape: problem.shape, session: session,
            options: RunOptions(strategy: .staged, validation: .full, onMismatch: policy))
    }

    @Test(arguments: [MismatchPolicy.fail, .retry]) func whatStaysWrongIsThrown(_ policy: MismatchPolicy)
        throws
    {
        let prepared = try wrong(policy)
        let x = try Self.problem.input()
        #expect(failure(.mismatch) { _ = try prepared(x) } != nil)
        let onDevice = try prepared.upload(x)
        #expect(failure(.mismatch) { _ = try prepared(onDevice) } != nil)
    }

    @Test func theReferenceComputesIt() throws {
        let prepared = try wrong(.recompute)
        let x = try Self.problem.input()
        let expected = try Self.problem.prepared(on: .reference)(x)
        let result = try prepared.run(x)
        #expect(result.output == expected)
        #expect(
            (result.report.recoveredFrom?.relativeError ?? 0) > (result.report.recoveredFrom?.tolerance ?? 0))
        #expect(result.deviceSeconds == nil)
        let onDevice = try prepared.run(prepared.upload(x))
        #expect(try onDevice.output.download() == expected)
        #expect(onDevice.report.recoveredFrom != nil)
        let some = try prepared.run(x, queries: [3, 60])
        #expect(some.output.shape == [2, 9, 2] && some.report.recoveredFrom != nil)
    }

    @Test func theBareOperationRecovers() throws {
        let source = KernelSource.aggregate
        let session = try TestDevice.session(
            overriding: [source: source.text.replacing("j < last", with: "j < last - 1")])
        let x = try Tensor<Float>.normal(shape: [2, 3, 20], seed: 1)
        let operation = NonLocalOperation(pairwise: .dotProduct)
        let shape = try OperationShape(operation, theta: x.shape, phi: x.shape, g: x.shape)
        func run(_ session: OpenCLSession?, _ policy: MismatchPolicy) throws -> BlockResult {
            try PreparedOperation(
                operation, shape, session: session,
                options: RunOptions(strategy: .staged, validation: .full, onMismatch: policy)
            ).run(theta: x, phi: x, g: x)
        }
        #expect(failure(.mismatch) { _ = try run(session, .retry) } != nil)
        let result = try run(session, .recompute)
        #expect(result.report.recoveredFrom != nil)
        #expect(try result.output == run(nil, .fail).output)
    }

    /// An accident does not happen twice.
    @Test func asSecondTryMaySucceed() throws {
        let mismatch = Mismatch(
            item: 0, row: 1, channel: 2, expected: 1, actual: 2, relativeError: 1, tolerance: 1e-6)
        let problem = BlockCase([1, 2, 3])
        let plan = try problem.prepared(on: .reference).plan
        func outcome(_ policy: MismatchPolicy, failures: Int) throws -> (String, RunReport) {
            var calls = 0
            return try policy.result {
                calls += 1
                if calls <= failures { throw NonLocalError(mismatch, plan) }
                return ("device", RunReport(validation: .none(of: 1), seconds: 0, work: nil))
            } reference: {
                ("reference", RunReport(validation: .none(of: 1), seconds: 0, work: nil))
            }
        }
        #expect(try outcome(.retry, failures: 0).1.recoveredFrom == nil)
        let retried = try outcome(.retry, failures: 1)
        #expect(retried.0 == "device" && retried.1.recoveredFrom == mismatch)
        #expect(failure(.mismatch) { _ = try outcome(.retry, failures: 2) } != nil)
        #expect(failure(.mismatch) { _ = try outcome(.fail, failures: 1) } != nil)
        #expect(try outcome(.recompute, failures: 1).0 == "reference")
    }

    @Test func seedsChooseOtherRows() {
        func rows(_ seed: UInt64) -> [Int] {
            SampledRows.choose(.sampled(rows: 8, seed: seed), items: 1, rows: 1000, call: 0).flatMap(\.rows)
        }
        #expect(rows(1) == rows(1) && rows(1) != rows(2) && rows(0) != rows(1))
        #expect(rows(2).first == 0 && rows(2).last == 999)
    }
}
