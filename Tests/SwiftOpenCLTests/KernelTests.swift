import Foundation
import Testing

@testable import SwiftOpenCL

@Suite(.needsDevice) struct KernelTests {
    private let queue: Queue
    private let program: Program
    private var context: Context { queue.context }

    init() throws {
        queue = try TestDevice.queue()
        program = try Program.make(Sources.arithmetic, in: queue.context)
    }

    @Test func scales() throws {
        let kernel = try Kernel(program, name: "scale")
        let x = try Buffer<Float>(context, copying: (0..<1000).map(Float.init), access: .readOnly)
        let y = try Buffer<Float>(context, count: 1000, access: .writeOnly)
        try queue.enqueue(kernel, arguments: [x, y, Float(0.5)], global: [1000])
        #expect(try queue.read(y) == (0..<1000).map { 0.5 * Float($0) })
    }

    @Test func runsOverDimensionsGroupsAndOffsets() throws {
        let kernel = try Kernel(program, name: "label")
        let y = try Buffer<Int32>(context, count: 24)
        try queue.fill(y, with: 0)
        try queue.enqueue(
            kernel, arguments: [y, Int32(10), UInt32(6)], global: [4, 3], local: [2, 1], offset: [1, 1])
        let expected: [Int32] =
            [0, 0, 0, 0, 0, 0] + [0, 10, 10, 11, 11, 0] + [0, 10, 10, 11, 11, 0] + [0, 10, 10, 11, 11, 0]
        #expect(try queue.read(y) == expected)
    }

    @Test func hasLocalMemory() throws {
        let kernel = try Kernel(program, name: "sum_group")
        let x = try Buffer<Int32>(context, copying: (0..<64).map(Int32.init))
        let y = try Buffer<Int32>(context, count: 4)
        try queue.enqueue(
            kernel, arguments: [x, y, LocalMemory(bytes: 16 * 4)], global: [64], local: [16])
        #expect(try queue.read(y) == [120, 376, 632, 888])
    }

    @Test func passesVectorsAndScalars() throws {
        let program = try Program.make(Sources.vectors, in: context)
        let y = try Buffer<Float>(context, count: 7)
        let vectors: [any KernelArgument] = [
            y, SIMD2<Float>(1, 2), SIMD3<Float>(1, 2, 3), SIMD4<Float>(1, 2, 3, 4),
            SIMD8<Float>(1, 2, 3, 4, 5, 6, 7, 8), SIMD16<Float>(repeating: 16),
            SIMD4<Int32>(1, 2, 3, -4), SIMD2<UInt64>(1, 5 << 32),
        ]
        try queue.enqueue(try Kernel(program, name: "vectors"), arguments: vectors, global: [1])
        #expect(try queue.read(y) == [2, 3, 4, 8, 16, -4, 5])

        let z = try Buffer<Int64>(context, count: 8)
        let scalars: [any KernelArgument] = [
            z, Int8(-1), UInt8(255), Int16(-300), UInt16(65_535), Int32.min, UInt32.max, Int64.min,
            UInt64(1) << 62,
        ]
        try queue.enqueue(try Kernel(program, name: "scalars"), arguments: scalars, global: [1])
        let expected: [Int64] = [
            -1, 255, -300, 65_535, Int64(Int32.min), Int64(UInt32.max), .min, 1 << 62,
        ]
        #expect(try queue.read(z) == expected)
    }

    @Test func theWidestVectors() throws {
        let kernel = try Kernel(try Program.make(Sources.vectors, in: context), name: "widest")
        let y = try Buffer<UInt64>(context, count: 4)
        var a = SIMD16<UInt64>(repeating: 5)
        (a[0], a[15]) = (1 << 63, 7)
        var b = SIMD16<UInt32>(repeating: 6)
        (b[0], b[15]) = (8, 9)
        try queue.enqueue(kernel, arguments: [y, a, b], global: [1])
        #expect(try queue.read(y) == [1 << 63, 7, 8, 9])
        let error = try failure { try queue.enqueue(kernel, arguments: [y, b, b], global: [1]) }
        #expect(error.description.contains("argument 1 ('a') is SIMD16<UInt32>"))
        #expect(error.description.contains("ulong16"))
    }

    @Test func describesItself() throws {
        let kernel = try Kernel(program, name: "scale")
        #expect(kernel.parameterCount == 3)
        #expect(kernel.parameters.map(\.name) == ["x", "y", "factor"])
        #expect(kernel.parameters.map(\.addressSpace) == [.global, .global, .private])
        #expect(kernel.parameters.map(\.typeName) == ["float*", "float*", "float"])
        let info = try kernel.workGroupInfo
        #expect((1...context.device.maxWorkGroupSize).contains(info.workGroupSize))
        #expect(info.preferredMultiple >= 1)
        #expect(try program.kernelNames.sorted() == ["label", "mark", "scale", "sum_group"])
    }

    /// Threads that share a kernel must not run with each other's arguments.
    @Test func concurrentLaunchesKeepTheirArguments() throws {
        let threads = 4
        let launches = 1000
        let kernel = try Kernel(program, name: "mark")
        let queues = try (0..<threads).map { _ in try Queue(context: context) }
        let buffers = try (0..<threads).map { _ in
            try Buffer(context, copying: [Int32](repeating: -1, count: launches))
        }
        let failures = Failures()
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            do {
                for launch in 0..<launches {
                    let value = Int32(launches * thread + launch)
                    try queues[thread].enqueue(
                        kernel, arguments: [buffers[thread], UInt32(launch), value], global: [1])
                }
            } catch {
                failures.add("\(error)")
            }
        }
        #expect(failures.all == [])
        for thread in 0..<threads {
            let marks = try queues[thread].read(buffers[thread])
            let wrong = marks.enumerated().first { $1 != Int32(launches * thread + $0) }
            #expect(wrong == nil, "thread \(thread): first wrong (launch, mark)")
        }
    }
}

/// What went wrong on several threads.
final class Failures: @unchecked Sendable {
    private let lock = NSLock()
    private var messages: [String] = []

    var all: [String] { lock.withLock { messages } }

    func add(_ message: String) { lock.withLock { messages.append(message) } }
}
