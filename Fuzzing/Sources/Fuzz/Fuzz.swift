import Foundation
import Support

// What libFuzzer calls; NONLOCAL_FUZZ_READER says which reader is meant.
private let reader: Reader = {
    let name = ProcessInfo.processInfo.environment["NONLOCAL_FUZZ_READER"] ?? ""
    guard let reader = Reader(rawValue: name) else {
        preconditionFailure("NONLOCAL_FUZZ_READER has to be one of \(Reader.allCases.map(\.rawValue))")
    }
    return reader
}()
private let file = MemoryFile()

/// Reads one input: whatever it is, the reader has to keep to its bounds.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafeRawPointer?, _ size: Int) -> Int32 {
    file.hold(UnsafeRawBufferPointer(start: data, count: size))
    allocations_begin()
    _ = reader.accepts(file.path)
    let most = allocations_most()
    let allowed = Reader.allowance + reader.factor * size
    precondition(most <= allowed, "\(most) bytes held for a file of \(size), more than \(allowed)")
    return 0
}

@_silgen_name("LLVMFuzzerMutate")
private func libFuzzerMutate(_ data: UnsafeMutableRawPointer?, _ size: Int, _ most: Int) -> Int

/// Changes an input as libFuzzer does, and keeps pictures readable.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(_ data: UnsafeMutableRawPointer?, _ size: Int, _ most: Int, _ seed: UInt32) -> Int {
    let newSize = libFuzzerMutate(data, size, most)
    // One in eight stays as it is: wrong checksums have to be refused, too.
    if reader == .png, seed % 8 != 0 {
        PNGChunks.mendChecksums(UnsafeMutableRawBufferPointer(start: data, count: newSize))
    }
    return newSize
}
