import Foundation
import SwiftOpenCL
import Testing

@testable import NonLocal

/// The layer between OpenCL's loader and its drivers that `Scripts/faults` builds, as `OPENCL_LAYERS` has it: it
/// makes calls fail and counts what is held.
struct FaultLayer {
    /// What OpenCL gives that has to be given back, in the layer's order.
    static let kinds = ["contexts", "queues", "programs", "kernels", "events", "buffers", "mappings"]
    static let isThere = ProcessInfo.processInfo.environment["OPENCL_LAYERS"]?.contains("fault_layer") == true

    /// The functions that can be made to fail.
    let names: [String]
    private let held: @convention(c) (Int32) -> Int
    private let calls: @convention(c) (Int32) -> Int
    private let bytes: @convention(c) () -> Int
    private let most: @convention(c) () -> Int
    private let limit: @convention(c) (Int) -> Void
    private let firedNumber: @convention(c) () -> Int32
    private let arm: @convention(c) (Int32, Int, Int32, Int32) -> Void
    private let resetAll: @convention(c) () -> Void

    init() throws {
        // The loader reads the layers at the first call.
        _ = try Platform.all()
        let path = ProcessInfo.processInfo.environment["OPENCL_LAYERS"] ?? ""
        let library = try #require(dlopen(path, RTLD_NOW | RTLD_NOLOAD), "the loader has not loaded \(path)")
        func function<F>(_ name: String, _ type: F.Type) throws -> F {
            unsafeBitCast(try #require(dlsym(library, name), "\(name) is missing"), to: F.self)
        }
        held = try function("fault_held", (@convention(c) (Int32) -> Int).self)
        calls = try function("fault_calls", (@convention(c) (Int32) -> Int).self)
        bytes = try function("fault_bytes", (@convention(c) () -> Int).self)
        most = try function("fault_most_bytes", (@convention(c) () -> Int).self)
        limit = try function("fault_limit", (@convention(c) (Int) -> Void).self)
        firedNumber = try function("fault_fired", (@convention(c) () -> Int32).self)
        arm = try function("fault_arm", (@convention(c) (Int32, Int, Int32, Int32) -> Void).self)
        resetAll = try function("fault_reset", (@convention(c) () -> Void).self)
        let count = try function("fault_count", (@convention(c) () -> Int32).self)
        let name = try function("fault_name", (@convention(c) (Int32) -> UnsafePointer<CChar>).self)
        names = (0..<count()).map { String(cString: name($0)) }
        resetAll()
    }

    /// Nothing fails any more, and calls are counted from 0.
    func reset() { resetAll() }

    /// Makes the `nth` call from now on fail, of those to one function or of all, and with `forGood` all after it.
    func fail(_ nth: Int, of name: String? = nil, with status: Int32, forGood: Bool = false) {
        let number = name.flatMap { names.firstIndex(of: $0) } ?? -1
        arm(Int32(number), nth, status, forGood ? 1 : 0)
    }

    /// The function whose call was made to fail, if one was.
    var fired: String? { names.indices.contains(Int(firedNumber())) ? names[Int(firedNumber())] : nil }

    /// Calls since the last reset, to one function or to all.
    func calls(of name: String? = nil) -> Int {
        calls(Int32(name.flatMap { names.firstIndex(of: $0) } ?? -1))
    }

    /// Bytes of all buffers, and the most at once since the last reset.
    var bufferBytes: Int { bytes() }
    var mostBufferBytes: Int { most() }

    /// Lets buffers take that many bytes at once, as a device that has no more.
    func limitBuffers(to bytes: Int) { limit(bytes) }

    /// What is held beside what `before` has; waits a moment, since drivers call back on threads of their own.
    func leaks(beside before: [Int]? = nil) -> String? {
        let before = before ?? counts.map { _ in 0 }
        for _ in 0..<100 {
            if counts == before { return nil }
            usleep(10_000)
        }
        return zip(Self.kinds, zip(counts, before)).filter { $1.0 != $1.1 }
            .map { "\($1.0 - $1.1) \($0)" }.joined(separator: ", ")
    }

    var counts: [Int] { Self.kinds.indices.map { held(Int32($0)) } }
}
