import Testing

@testable import SwiftOpenCL

@Suite(.needsDevice) struct BufferTests {
    private let queue: Queue
    private var context: Context { queue.context }

    init() throws { queue = try TestDevice.queue() }

    @Test(arguments: [1, 2, 1000, 65_537])
    func returnsWhatWasWritten(_ count: Int) throws {
        let values = (0..<count).map { Int32($0) &* -7 }
        let buffer = try Buffer<Int32>(context, count: count)
        try queue.write(values, to: buffer)
        #expect(try queue.read(buffer) == values)
        #expect(try queue.read(try Buffer(context, copying: values)) == values)
        #expect(buffer.byteCount == 4 * count)
    }

    @Test func readsAndWritesRanges() throws {
        let buffer = try Buffer<Float>(context, copying: [0, 1, 2, 3, 4, 5])
        try queue.write([30, 40], to: buffer, at: 3)
        #expect(try queue.read(buffer) == [0, 1, 2, 30, 40, 5])
        #expect(try queue.read(buffer, range: 2..<4) == [2, 30])
        let host = HostMemory<Float>([-1, -1])
        try queue.read(buffer, range: 4..<6, into: host.elements)
        #expect(Array(host.elements) == [40, 5])
    }

    @Test func copiesRangesAndFills() throws {
        let source = try Buffer<Int64>(context, copying: [0, 1, 2, 3, 4, 5, 6, 7])
        let target = try Buffer<Int64>(context, count: 8)
        try queue.fill(target, with: -9)
        try queue.copy(source, range: 2..<5, to: target, at: 4)
        #expect(try queue.read(target) == [-9, -9, -9, -9, 2, 3, 4, -9])
        try queue.fill(target, with: 7, range: 5..<7)
        #expect(try queue.read(target) == [-9, -9, -9, -9, 2, 7, 7, -9])
        try queue.copy(target, range: 4..<8, to: target, at: 0)
        #expect(try queue.read(target) == [2, 7, 7, -9, 2, 7, 7, -9])
    }

    @Test func mapsForReadingAndWriting() throws {
        let buffer = try Buffer<Int32>(context, copying: [1, 2, 3, 4])
        try queue.withMapped(buffer, for: .readWrite, range: 1..<3) { mapped in
            #expect(Array(mapped) == [2, 3])
            mapped[0] = 20
        }
        #expect(try queue.read(buffer) == [1, 20, 3, 4])
        try queue.withMapped(buffer, for: .writeInvalidate) { mapped in
            for index in mapped.indices { mapped[index] = Int32(index) }
        }
        #expect(try queue.withMapped(buffer, for: .read) { Array($0) } == [0, 1, 2, 3])
    }

    @Test func unmapsWhatThrows() throws {
        struct Stop: Error {}
        let buffer = try Buffer<Int32>(context, copying: [1, 2, 3, 4])
        #expect(throws: Stop.self) {
            try queue.withMapped(buffer, for: .write) { mapped in
                mapped[3] = 40
                throw Stop()
            }
        }
        #expect(try queue.read(buffer, range: 3..<4) == [40])
    }

    @Test(arguments: [0, -1, Int.min, Int.max, Int.max / 8 + 1])
    func refusesCounts(_ count: Int) throws {
        let error = try failure { _ = try Buffer<Int64>(context, count: count) }
        #expect(error.reason == .range)
        #expect(error.name == "CL_INVALID_BUFFER_SIZE")
        #expect(error.description.contains("\(count) elements"))
    }

    @Test func refusesEmptyContents() throws {
        #expect(try failure { _ = try Buffer<Float>(context, copying: []) }.reason == .range)
    }

    @Test func namesBothSizesIfTheDeviceCannotAllocate() throws {
        let bytes = 1 << 60
        let error = try failure { _ = try Buffer<UInt8>(context, count: bytes) }
        #expect(error.reason == .status)
        #expect(error.description.contains("\(bytes) bytes asked for"))
        #expect(error.description.contains("promises \(context.device.maxAllocation) bytes"))
    }

    @Test(arguments: [0..<9, -1..<2, 3..<3, 8..<9, 9..<10])
    func refusesRangesOutsideTheBuffer(_ range: Range<Int>) throws {
        let buffer = try Buffer<Int32>(context, count: 8)
        let other = try Buffer<Int32>(context, count: 64)
        let errors = [
            try failure { _ = try queue.read(buffer, range: range) },
            try failure { try queue.fill(buffer, with: 1, range: range) },
            try failure { try queue.copy(buffer, range: range, to: other) },
            try failure { try queue.withMapped(buffer, for: .read, range: range) { _ in } },
        ]
        for error in errors {
            #expect(error.reason == .range)
            #expect(error.description.contains("\(range) of a buffer of 8"))
        }
    }

    @Test func refusesWritesAndCopiesThatDoNotFit() throws {
        let buffer = try Buffer<Int32>(context, count: 8)
        let large = try Buffer<Int32>(context, count: 9)
        for start in [-1, 7, Int.max] {
            #expect(try failure { try queue.write([1, 2], to: buffer, at: start) }.reason == .range)
        }
        #expect(try failure { try queue.write([], to: buffer) }.reason == .range)
        #expect(try failure { try queue.copy(large, to: buffer) }.reason == .range)
        let host = HostMemory<Int32>([Int32](repeating: 0, count: 7))
        let mismatch = try failure { try queue.read(buffer, into: host.elements) }
        #expect(mismatch.reason == .range)
        #expect(mismatch.description.contains("8 elements into host memory for 7"))
        let overlap = try failure { try queue.copy(buffer, range: 0..<4, to: buffer, at: 3) }
        #expect(overlap.reason == .range)
        #expect(overlap.name == "CL_MEM_COPY_OVERLAP")
    }

    @Test func refusesFillsThatOpenCLHasNot() throws {
        struct Three: BitwiseCopyable { var x: UInt8 = 0, y: UInt8 = 0, z: UInt8 = 0 }
        let buffer = try Buffer<Three>(context, count: 4)
        let error = try failure { try queue.fill(buffer, with: Three()) }
        #expect(error.reason == .argument)
        #expect(error.description.contains("Three has 3 bytes"))
    }

    @Test func refusesBuffersOfOtherContexts() throws {
        let foreign = try Buffer<Int32>(try TestDevice.context(), count: 8)
        let own = try Buffer<Int32>(context, count: 8)
        let errors = [
            try failure { _ = try queue.read(foreign) },
            try failure { try queue.write([1], to: foreign) },
            try failure { try queue.fill(foreign, with: 1) },
            try failure { try queue.copy(foreign, to: own) },
            try failure { try queue.copy(own, to: foreign) },
            try failure { try queue.withMapped(foreign, for: .read) { _ in } },
        ]
        for error in errors {
            #expect(error.reason == .argument)
            #expect(error.name == "CL_INVALID_CONTEXT")
        }
    }
}
