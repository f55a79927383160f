import Foundation
import Testing

@testable import SwiftOpenCL

@Suite(.needsDevice) struct SharedMemoryTests {
    private let queue: Queue
    private var context: Context { queue.context }

    init() throws { queue = try TestDevice.queue() }

    @Test func aKernelWorksOnTheHostsMemory() throws {
        let memory = HostMemory<Float>((0..<1024).map(Float.init))
        let buffer = try Buffer(context, sharing: memory.elements, keeping: memory)
        let kernel = try Kernel(try Program.make(Sources.arithmetic, in: context), name: "scale")
        try queue.enqueue(kernel, arguments: [buffer, buffer, Float(2)], global: [1024])
        let expected = (0..<1024).map { Float(2 * $0) }
        try queue.withMapped(buffer, for: .read) { mapped in
            #expect(Array(mapped) == expected)
            #expect(
                mapped.baseAddress == memory.elements.baseAddress, "the map must be the host's own memory")
        }
        #expect(Array(memory.elements) == expected)
    }

    @Test func theDeviceSeesWhatTheHostWrote() throws {
        let memory = HostMemory<Float>([1, 2, 3, 4])
        let buffer = try Buffer(context, sharing: memory.elements, keeping: memory)
        try queue.withMapped(buffer, for: .write, range: 1..<2) { $0[0] = 20 }
        #expect(try queue.read(buffer) == [1, 20, 3, 4])
    }

    @Test func theOwnerLivesAsLongAsTheBuffer() throws {
        let released = Flag()
        weak var owner: HostMemory<Float>?
        do {
            let memory = HostMemory<Float>([1, 2, 3, 4]) { released.set() }
            owner = memory
            var buffer: Buffer<Float>? = try Buffer(context, sharing: memory.elements, keeping: memory)
            try queue.fill(try #require(buffer), with: 5)
            try queue.finish()
            #expect(buffer != nil)
            buffer = nil
        }
        #expect(released.isSet(within: 5), "the owner must be released after the buffer")
        #expect(owner == nil)
    }

    @Test func theOwnerIsKeptByTheBufferAlone() throws {
        let released = Flag()
        var memory: HostMemory<Int32>? = HostMemory<Int32>([1, 2, 3, 4]) { released.set() }
        var buffer: Buffer<Int32>?
        if let memory { buffer = try Buffer(context, sharing: memory.elements, keeping: memory) }
        memory = nil
        #expect(!released.isSet)
        #expect(try queue.read(try #require(buffer)) == [1, 2, 3, 4])
        buffer = nil
        #expect(released.isSet(within: 5))
        #expect(memory == nil && buffer == nil)
    }

    @Test func theOwnerOutlivesCommandsUnderWay() throws {
        let released = Flag()
        let steps: UInt32 = 200_000_000
        let kernel = try Kernel(try Program.make(Sources.slow, in: context), name: "slow")
        let result = try Buffer<UInt32>(context, count: 4)
        let event: Event
        do {
            let memory = HostMemory<UInt32>([1, 2, 3, 4]) { released.set() }
            let buffer = try Buffer(context, sharing: memory.elements, keeping: memory)
            event = try queue.enqueue(kernel, arguments: [buffer, steps], global: [4])
            try queue.copy(buffer, to: result)
            try queue.flush()
        }
        let wasReleased = released.isSet
        // Asked afterwards: if the kernel runs now, it ran then.
        try #require(try event.status != .complete, "the kernel is too quick to show anything")
        #expect(!wasReleased, "released while the device still uses the memory")
        try queue.finish()
        #expect(try queue.read(result) == [1, 2, 3, 4].map { Sources.slow($0, steps: steps) })
        #expect(released.isSet(within: 5))
    }

    @Test func readsAndWritesWithoutWaiting() throws {
        let released = Flag()
        let values = (0..<4096).map(UInt32.init)
        let buffer = try Buffer<UInt32>(context, count: values.count)
        do {
            let memory = HostMemory(values) { released.set() }
            try queue.write(UnsafeBufferPointer(memory.elements), keeping: memory, to: buffer)
        }
        let target = HostMemory<UInt32>([UInt32](repeating: 0, count: values.count))
        let event = try queue.read(buffer, into: target.elements, keeping: target)
        try event.wait()
        #expect(Array(target.elements) == values)
        #expect(released.isSet(within: 5))
    }
}
