import COpenCL
import Testing

@testable import SwiftOpenCL

@Suite(.needsDevice) struct EventTests {
    private let queue: Queue
    private let kernel: Kernel
    private var context: Context { queue.context }

    init() throws {
        queue = try TestDevice.queue()
        kernel = try Kernel(try Program.make(Sources.slow, in: queue.context), name: "slow")
    }

    @Test func timesAreInOrder() throws {
        let y = try Buffer<UInt32>(context, copying: [1, 2, 3, 4])
        let short = try queue.enqueue(kernel, arguments: [y, UInt32(1)], global: [4])
        let long = try queue.enqueue(kernel, arguments: [y, UInt32(20_000_000)], global: [4])
        try long.wait()
        #expect(try long.status == .complete)
        #expect(try short.status == .complete, "the queue is in order")
        for event in [short, long] {
            let profile = try event.profile
            #expect(profile.queued > 0)
            #expect(profile.queued <= profile.submitted)
            #expect(profile.submitted <= profile.started)
            #expect(profile.started < profile.ended)
            #expect(profile.duration == Double(profile.ended - profile.started) * 1e-9)
            #expect(try event.duration == profile.duration)
        }
        #expect(try short.profile.ended <= long.profile.started)
        #expect(try long.profile.duration > short.profile.duration)
        #expect(long.command == "clEnqueueNDRangeKernel(slow)")
    }

    @Test func withoutProfilingThereAreNoTimes() throws {
        let plain = try Queue(context: context, profiling: false)
        let y = try Buffer<UInt32>(context, copying: [1])
        let event = try plain.enqueue(kernel, arguments: [y, UInt32(1)], global: [1])
        try event.wait()
        let error = try failure { _ = try event.profile }
        #expect(error.name == "CL_PROFILING_INFO_NOT_AVAILABLE")
        #expect(error.description.contains("Make the queue with profiling"))
    }

    /// The first queue is never flushed here: where drivers hold commands back until then (PoCL doesn't),
    /// waiting hangs unless enqueueing flushes it.
    @Test(.timeLimit(.minutes(1))) func queuesWaitForEachOther() throws {
        let other = try Queue(context: context)
        let steps: UInt32 = 20_000_000
        let y = try Buffer<UInt32>(context, copying: [1, 2, 3, 4])
        let first = try queue.enqueue(kernel, arguments: [y, steps], global: [4])
        let second = try other.enqueue(kernel, arguments: [y, UInt32(1)], global: [4], after: [first])
        try second.wait()
        #expect(try first.profile.ended <= second.profile.started)
        let expected = [1, 2, 3, 4].map { Sources.slow($0, steps: steps + 1) }
        #expect(try other.read(y) == expected)
    }

    @Test func eventsOfOtherContextsAreRefused() throws {
        let other = try TestDevice.queue()
        let foreign = try other.fill(try Buffer<UInt32>(other.context, count: 1), with: 1)
        let y = try Buffer<UInt32>(context, copying: [1])
        let error = try failure {
            try queue.enqueue(kernel, arguments: [y, UInt32(1)], global: [1], after: [foreign])
        }
        #expect(error.name == "CL_INVALID_CONTEXT")
        #expect(error.reason == .argument)
    }

    /// A user event ends with the status it is given, as a command does that fails on the device.
    @Test func abnormalEndsAreThrown() throws {
        let handle = try Handle("clCreateUserEvent", on: nil, release: clReleaseEvent) {
            clCreateUserEvent(context.handle.pointer, $0)
        }
        let event = Event(handle, of: "clEnqueueNDRangeKernel(doomed)", in: queue)
        #expect(try event.status == .submitted)
        try check(clSetUserEventStatus(handle.pointer, CL_OUT_OF_RESOURCES), "clSetUserEventStatus")
        let error = try failure { try event.wait() }
        #expect(error.name == "CL_OUT_OF_RESOURCES")
        #expect(error.call == "clEnqueueNDRangeKernel(doomed)")
        #expect(error.device == context.device.name)
        #expect(try event.status == .terminated(code: CL_OUT_OF_RESOURCES))
    }

    @Test func finishWaitsForEverything() throws {
        let y = try Buffer<UInt32>(context, copying: [7])
        let event = try queue.enqueue(kernel, arguments: [y, UInt32(5_000_000)], global: [1])
        try queue.finish()
        #expect(try event.status == .complete)
    }
}
