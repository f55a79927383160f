import COpenCL
import Foundation

/// A typed view of one of OpenCL's `clGet…Info` functions.
struct Info {
    typealias Query = (
        _ name: UInt32, _ size: Int, _ value: UnsafeMutableRawPointer?, _ needed: UnsafeMutablePointer<Int>?
    ) -> Int32

    private let call: String
    private let device: String?
    private let query: Query

    init(_ call: String, on device: String? = nil, query: @escaping Query) {
        self.call = call
        self.device = device
        self.query = query
    }

    /// A number, of exactly the width that OpenCL documents for `name`.
    func value<Value: FixedWidthInteger>(
        _ name: Int32, as type: Value.Type = Value.self
    ) throws(OpenCLError) -> Value {
        var value = Value.zero
        try check(name, query(UInt32(bitPattern: name), MemoryLayout<Value>.size, &value, nil))
        return value
    }

    /// A `cl_uint` as an `Int`.
    func uint(_ name: Int32) throws(OpenCLError) -> Int { Int(clamping: try value(name, as: cl_uint.self)) }

    /// A `cl_ulong` as an `Int`.
    func ulong(_ name: Int32) throws(OpenCLError) -> Int { Int(clamping: try value(name, as: cl_ulong.self)) }

    /// A `size_t`.
    func size(_ name: Int32) throws(OpenCLError) -> Int { try value(name, as: Int.self) }

    /// A `cl_bool`.
    func bool(_ name: Int32) throws(OpenCLError) -> Bool { try value(name, as: cl_bool.self) != 0 }

    /// As many numbers as there are.
    func array<Value: FixedWidthInteger>(
        _ name: Int32, of type: Value.Type = Value.self
    ) throws(OpenCLError) -> [Value] {
        var bytes = 0
        let key = UInt32(bitPattern: name)
        try check(name, query(key, 0, nil, &bytes))
        var values = [Value](repeating: .zero, count: bytes / MemoryLayout<Value>.stride)
        guard !values.isEmpty else { return [] }
        try check(name, query(key, values.count * MemoryLayout<Value>.stride, &values, nil))
        return values
    }

    /// A string without its terminator and without the blanks that some drivers put around names.
    func string(_ name: Int32) throws(OpenCLError) -> String {
        String(decoding: try array(name, of: UInt8.self).prefix { $0 != 0 }, as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func check(_ name: Int32, _ status: Int32) throws(OpenCLError) {
        try SwiftOpenCL.check(status, "\(call)(0x\(String(name, radix: 16, uppercase: true)))", on: device)
    }
}
