import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// Tensors that stay on the device from block to block.
@Suite struct DeviceTensorTests {
    private static let cases = [
        BlockCase([3, 6, 70]),
        BlockCase([2, 5, 3, 4, 6]) { $0.subsample = .convFirst },
        BlockCase([2, 3, 4, 9], layout: .channelsLast),
        BlockCase([1, 4, 900]) { $0.pairwise = .dotProduct },
    ]

    @Test(arguments: cases, Engine.all)
    func isWhatHostTensorsGive(_ problem: BlockCase, _ engine: Engine) throws {
        let prepared = try problem.prepared(on: engine)
        let x = try problem.input()
        let onDevice = try prepared.upload(x)
        let result = try prepared.run(onDevice)
        #expect(onDevice.shape == x.shape && result.output.shape == x.shape)
        #expect(try result.output.download() == prepared(x))
        #expect(try onDevice.download() == x)
        #expect(
            result.report.validation.rows == x.count / problem.configuration.channels || engine == .reference)
        #expect(result.output.device == prepared.plan.device)
    }

    @Test(arguments: Engine.all) func goesFromBlockToBlock(_ engine: Engine) throws {
        let problem = BlockCase([2, 6, 5, 7])
        let (first, second) = (try problem.prepared(on: engine), try problem.prepared(on: engine))
        let x = try problem.input()
        let chained = try second(first(first.upload(x))).download()
        #expect(try chained == second(first(x)))
    }

    /// As on a device with memory of its own, to which everything is copied.
    @Test(.needsDevice, arguments: cases) func whereNothingIsShared(_ problem: BlockCase) throws {
        let session = try OpenCLSession(try TestDevice.session().device, sharesHostMemory: false)
        let prepared = try problem.block().prepared(
            for: problem.shape, on: session, validation: .sampled(rows: 8))
        let x = try problem.input()
        let onDevice = try prepared.upload(x)
        let result = try prepared.run(onDevice)
        #expect(result.report.validation.rows == 8)
        #expect(try result.output.download() == problem.prepared(on: .opencl)(x))
        #expect(try result.output.download() == prepared(x))
        #expect(try onDevice.download() == x)
        let last = problem.shape[0] - 1, size = x.count / problem.shape[0]
        #expect(try onDevice.download(items: [last]).elements.suffix(size) == x.elements.suffix(size))
    }

    /// Slices come and go while others are worked on, in two halves of the memory for them.
    @Test(.needsDevice, arguments: [2, 3, 5, 9], [Layout.channelsFirst, .channelsLast])
    func copiesOverlapWithWork(_ batch: Int, _ layout: Layout) throws {
        let problem = BlockCase(layout == .channelsFirst ? [batch, 6, 90] : [batch, 90, 6], layout: layout)
        let session = try OpenCLSession(try TestDevice.session().device, sharesHostMemory: false)
        let prepared = try problem.block().prepared(for: problem.shape, on: session)
        #expect(prepared.plan.itemsPerSlice == (batch + 3) / 4)
        let expected = try problem.prepared(on: .opencl)
        for seed in 1...3 as ClosedRange<UInt64> {
            let x = try problem.input(seed: seed)
            #expect(try prepared(x) == expected(x))
            #expect(
                try prepared.run(x, queries: [80, 3]).output == expected.run(x, queries: [80, 3]).output)
        }
    }

    /// The batch is cut into slices by the memory limit.
    @Test(.needsDevice) func inSlices() throws {
        let problem = BlockCase([5, 6, 40, 30])
        let session = try TestDevice.session()
        let whole = try problem.block().prepared(for: problem.shape, on: session)
        let limit = whole.plan.peakMemory / 3
        let sliced = try problem.block().prepared(for: problem.shape, on: session, memoryLimit: limit)
        #expect(sliced.plan.itemsPerSlice < 5)
        let x = try problem.input()
        #expect(try sliced(sliced.upload(x)).download() == sliced(x))
    }

    @Test(.needsDevice) func ofAnotherSessionIsRefused() throws {
        let problem = BlockCase([1, 4, 9])
        let prepared = try problem.prepared(on: .opencl)
        let session = try OpenCLSession(.automatic)
        let other = try problem.block().prepared(for: problem.shape, backend: .opencl(in: session))
        let x = try other.upload(problem.input())
        let error = failure(.configuration) { _ = try prepared(x) }
        #expect(error?.advice.contains("one session") == true)
        let ofReference = try problem.prepared(on: .reference).upload(problem.input())
        #expect(failure(.configuration) { _ = try prepared(ofReference) } != nil)
        #expect(try other(x).download() == prepared(problem.input()))
    }

    @Test(arguments: Engine.all) func badOnesAreRefused(_ engine: Engine) throws {
        let problem = BlockCase([1, 4, 9])
        let prepared = try problem.prepared(on: engine)
        let short = try prepared.upload(.normal(shape: [1, 4, 8], seed: 1))
        #expect(failure(.shape) { _ = try prepared(short) } != nil)
        let nan = try Tensor<Float>(repeating: .nan, shape: problem.shape)
        #expect(failure(.nonFinite) { _ = try prepared.upload(nan) } != nil)
    }

    /// A wrong kernel is found on the device's tensors as on the host's.
    @Test(.needsDevice) func areValidated() throws {
        let source = KernelSource.softmax
        let session = try TestDevice.session(
            overriding: [source: source.text.replacing("scale * 2.0f", with: "scale")])
        let problem = BlockCase([2, 9, 70])
        let prepared = try problem.block().prepared(
            for: problem.shape, on: session, strategy: .staged, validation: .sampled(rows: 8))
        let x = try prepared.upload(problem.input())
        #expect(failure(.mismatch) { _ = try prepared(x) } != nil)
    }

    /// Where the device has memory of its own, the first call is looked at and the next few are not, but for all of it.
    @Test(.needsDevice) func checksWaitForWork() throws {
        let session = try OpenCLSession(try TestDevice.session().device, sharesHostMemory: false)
        let problem = BlockCase([2, 6, 5, 7])
        let x = try problem.input()
        func rows(_ validation: Validation) throws -> [Int] {
            let prepared = try problem.block().prepared(
                for: problem.shape, on: session, validation: validation)
            let onDevice = try prepared.upload(x)
            return [
                try prepared.run(x).validation.rows, try prepared.run(onDevice).report.validation.rows,
                try prepared.run(x, queries: [3]).validation.rows,
            ]
        }
        #expect(try rows(.sampled(rows: 8)).prefix(2) == [8, 0])
        #expect(try rows(.full) == [70, 70, 2])
    }

    @Test func checksTakeATwentiethOfTheWork() {
        var budget = CheckBudget()
        let unchecked = ValidationReport.none(of: 10)
        var checked = unchecked
        (checked.rows, checked.seconds) = (8, 0.002)
        var allowed: [Bool] = []
        for _ in 0..<7 {
            allowed.append(budget.allows)
            budget.worked(0.02, then: budget.allows ? checked : unchecked)
        }
        #expect(allowed == [true, false, false, true, false, false, true])
    }
}
