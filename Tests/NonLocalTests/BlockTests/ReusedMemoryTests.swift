import Dispatch
import Foundation
import SwiftOpenCL
import Testing

@testable import NonLocal

/// Results don't depend on whose memory they are in, and repeated calls need no new memory.
@Suite(.needsDevice) struct ReusedMemoryTests {
    private let problem = BlockCase([2, 4, 9, 9])

    private func address(_ tensor: Tensor<Float>) -> UnsafeRawPointer {
        UnsafeRawPointer(tensor.storage.memory.address)
    }

    @Test(arguments: Engine.all) func resultsInTheCallersMemory(_ engine: Engine) throws {
        let prepared = try problem.prepared(on: engine)
        let inputs = try (0..<3).map { try problem.input(seed: UInt64($0)) }
        let expected = try inputs.map { try prepared($0).elements }
        var z = try Tensor<Float>(repeating: 7, shape: problem.shape)
        for _ in 0..<2 {
            for (x, expected) in zip(inputs, expected) {
                let report = try prepared.run(x, into: &z)
                expectSameBits(z.elements, expected)
                #expect((report.validation.rows > 0) == (engine == .opencl))
            }
        }
    }

    @Test func theCallersMemoryIsUsed() throws {
        let prepared = try problem.prepared(on: .opencl)
        let x = try problem.input()
        var z = try Tensor<Float>(repeating: 0, shape: problem.shape)
        let before = address(z)
        for _ in 0..<20 {
            try prepared.run(x, into: &z)
            #expect(address(z) == before)
        }
    }

    @Test func copiesKeepWhatTheyHeld() throws {
        let prepared = try problem.prepared(on: .opencl)
        var z = try prepared(problem.input(seed: 1))
        let copy = z
        let before = copy.elements
        try prepared.run(problem.input(seed: 2), into: &z)
        expectSameBits(copy.elements, before)
        #expect(address(copy) != address(z))
        #expect(z != copy)
    }

    @Test func theInputMayBecomeTheResult() throws {
        let prepared = try problem.prepared(on: .opencl)
        var x = try problem.input()
        let input = x
        let expected = try prepared(x).elements
        try prepared.run(x, into: &x)
        expectSameBits(x.elements, expected)
        expectSameBits(input.elements, try problem.input().elements)
        // Nobody else has this one, and it is still not overwritten while it is read.
        var alone = try Tensor<Float>(shape: problem.shape, elements: input.elements)
        try prepared.run(alone, into: &alone)
        expectSameBits(alone.elements, expected)
    }

    @Test(arguments: [[0], [1], [3, 4, 9, 9], [648], [4, 2, 9, 9]])
    func tensorsOfOtherShapesAreReplaced(_ shape: [Int]) throws {
        let prepared = try problem.prepared(on: .opencl)
        let x = try problem.input()
        var z = try Tensor<Float>(repeating: 0, shape: shape)
        try prepared.run(x, into: &z)
        #expect(z.shape == problem.shape)
        expectSameBits(z.elements, try prepared(x).elements)
    }

    @Test func inputsOfOtherShapesAreRefused() throws {
        let prepared = try problem.prepared(on: .opencl)
        var z = try prepared(problem.input())
        let before = z.elements
        let error = #expect(throws: NonLocalError.self) {
            try prepared.run(Tensor<Float>(repeating: 0, shape: [1, 4, 9, 9]), into: &z)
        }
        #expect(error?.code == .shape)
        expectSameBits(z.elements, before)
    }

    @Test func theBareOperation() throws {
        let (theta, phi, g) = (
            try Tensor<Float>.normal(shape: [2, 5, 33], seed: 1),
            try Tensor<Float>.normal(shape: [2, 5, 20], seed: 2),
            try Tensor<Float>.normal(shape: [2, 3, 20], seed: 3)
        )
        let prepared = try NonLocalOperation().prepared(
            theta: theta.shape, phi: phi.shape, g: g.shape, backend: .opencl)
        let expected = try prepared(theta: theta, phi: phi, g: g)
        var y = try Tensor<Float>(repeating: 0, shape: expected.shape)
        let before = address(y)
        for _ in 0..<3 {
            try prepared.run(theta: theta, phi: phi, g: g, into: &y)
            expectSameBits(y.elements, expected.elements)
            #expect(address(y) == before)
        }
        var other = theta
        try prepared.run(theta: theta, phi: phi, g: g, into: &other)
        #expect(other == expected)
    }

    /// Large results: the memory of one that is gone serves the next, and none that is in use.
    @Test func largeMemoryIsUsedAgain() throws {
        let problem = BlockCase([1, 64, 8192], inner: 2, value: 2)
        let prepared = try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), validation: .sampled(rows: 2))
        let x = try problem.input()
        let kept = try prepared(x)
        let before = kept.elements
        var seen: Set<UnsafeRawPointer> = []
        for _ in 0..<4 {
            let z = try prepared(x)
            expectSameBits(z.elements, before)
            #expect(address(z) != address(kept))
            seen.insert(address(z))
        }
        #expect(seen.count == 1, "each result took memory of its own")
        expectSameBits(kept.elements, before)
    }

    @Test func resultsOutliveTheirBlock() throws {
        let problem = BlockCase([1, 64, 8192], inner: 2, value: 2)
        var prepared: PreparedBlock? = try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), validation: .off)
        let x = try problem.input()
        let z = try #require(try prepared?.run(x).output)
        let before = z.elements
        prepared = nil
        expectSameBits(z.elements, before)
    }

    @Test func severalThreads() throws {
        let prepared = try problem.prepared(on: .opencl)
        let inputs = try (0..<4).map { try problem.input(seed: UInt64($0)) }
        let expected = try inputs.map { try prepared($0).elements }
        DispatchQueue.concurrentPerform(iterations: 4) { index in
            do {
                var z = try Tensor<Float>(repeating: 0, shape: [0])
                for _ in 0..<10 {
                    try prepared.run(inputs[index], into: &z)
                    expectSameBits(z.elements, expected[index], "thread \(index)")
                }
            } catch {
                Issue.record("thread \(index): \(error)")
            }
        }
    }

    #if os(Linux)
        @Test func memoryStaysFlat() throws {
            let problem = BlockCase([1, 8, 7, 7])
            let prepared = try problem.block().prepared(
                for: problem.shape, on: TestDevice.session(), validation: .off)
            let x = try problem.input()
            for _ in 0..<200 { _ = try prepared(x) }
            let before = try residentBytes()
            for _ in 0..<2000 { _ = try prepared(x) }
            // Other tests run beside this one; a leak of one buffer a call would be 2,000 pages and more.
            #expect(try residentBytes() - before < 64 << 20)
        }

        private func residentBytes() throws -> Int {
            let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
            return try #require(Int(pages[1])) * Int(getpagesize())
        }
    #endif
}

@Suite(.needsDevice) struct RunReportTests {
    /// What the last command throws arrives, and the launcher waits for the kernels nevertheless.
    @Test func aFailingWaitIsThrownOn() throws {
        let session = try TestDevice.session()
        let launcher = Launcher(session.queue)
        let kernel = try session.library.kernel("softmax")
        let s = try Buffer<Float>(session.context, copying: [1, 2, 3, 4])
        try launcher.launch(kernel, [s, Float(1), Int32(2), Int32(2)], positions: 2)
        #expect(throws: NonLocalError.self) {
            try launcher.finish { throw NonLocalError(.memory, "none") }
        }
        #expect(launcher.launches.map(\.kernel) == ["softmax"])
        try launcher.finish()
        #expect(launcher.launches.count == 1, "a kernel is counted once")
    }

    @Test func everyKernelIsTimed() throws {
        let problem = BlockCase([2, 4, 9, 9])
        let result = try problem.prepared(on: .opencl).run(problem.input())
        let launches = try #require(result.report.launches)
        #expect(!launches.isEmpty)
        #expect(launches.allSatisfy { $0.seconds >= 0 && !$0.kernel.isEmpty })
        #expect(Set(launches.map(\.kernel)) == Set(result.kernelSeconds.keys))
        let total = result.kernelSeconds.values.reduce(0, +)
        let device = try #require(result.deviceSeconds)
        #expect(abs(total - device) <= 1e-9)
        #expect(device <= result.seconds)
    }

    @Test func slicesAddUp() throws {
        let problem = BlockCase([4, 4, 61])
        let session = try TestDevice.session()
        let whole = try problem.block().prepared(for: problem.shape, on: session)
        let least = try problem.block().prepared(for: [1, 4, 61], on: session).plan.peakMemory
        let sliced = try problem.block().prepared(for: problem.shape, on: session, memoryLimit: least)
        try #require(sliced.plan.itemsPerSlice == 1)
        let x = try problem.input()
        let one = try #require(whole.run(x).report.launches?.count)
        #expect(try sliced.run(x).report.launches?.count == 4 * one)
    }

    @Test func theReferenceHasNone() throws {
        let problem = BlockCase([1, 4, 5])
        let result = try problem.prepared(on: .reference).run(problem.input())
        #expect(result.deviceSeconds == nil && result.report.launches == nil)
        #expect(result.kernelSeconds.isEmpty)
    }
}
