import Foundation
import NonLocal
import Testing

private func npy(_ dictionary: String, version: UInt8 = 1, numbers: [UInt8]) -> [UInt8] {
    let length = dictionary.utf8.count
    let lengthBytes = version == 1 ? bytes(UInt16(length)) : bytes(UInt32(length))
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + lengthBytes + Array(dictionary.utf8) + numbers
}

private func npy(
    _ type: String, order: String = "False", shape: String, version: UInt8 = 1, numbers: [UInt8]
) -> [UInt8] {
    npy(
        "{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }\n", version: version,
        numbers: numbers)
}

@Suite struct NpyTests {
    static let values: [Float] = [0, 1, -2.5, 1024, 0.125, -0.0]

    @Test(arguments: ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"], [1, 2, 3] as [UInt8])
    func readsEachTypeOrderAndVersion(type: String, version: UInt8) throws {
        let big = type.hasPrefix(">")
        let numbers = Self.values.flatMap { value in
            switch type.last {
            case "2": bytes(Float16(value).bitPattern, bigEndian: big)
            case "4": bytes(value.bitPattern, bigEndian: big)
            default: bytes(Double(value).bitPattern, bigEndian: big)
            }
        }
        try withFile(npy(type, shape: "(2, 3)", version: version, numbers: numbers)) {
            (path: String) throws in
            let read = try Tensor<Float>(npy: path)
            #expect(read.shape == [2, 3])
            #expect(read.elements.map(\.bitPattern) == Self.values.map(\.bitPattern))
            #expect(try Tensor<Double>(npy: path).elements == Self.values.map(Double.init))
            #expect(try Tensor<Float16>(npy: path).elements == Self.values.map { Float16($0) })
        }
    }

    @Test func readsFortranOrder() throws {
        // The element at (i, j, k) is 100i + 10j + k; the first index runs fastest in the file.
        var numbers: [UInt8] = []
        for k in 0..<4 {
            for j in 0..<3 {
                for i in 0..<2 { numbers += bytes(Float(100 * i + 10 * j + k).bitPattern) }
            }
        }
        try withFile(npy("<f4", order: "True", shape: "(2, 3, 4)", numbers: numbers)) {
            (path: String) throws in
            let read = try Tensor<Float>(npy: path)
            #expect(read.shape == [2, 3, 4])
            for i in 0..<2 {
                for j in 0..<3 {
                    for k in 0..<4 { #expect(read[i, j, k] == Float(100 * i + 10 * j + k)) }
                }
            }
        }
    }

    @Test(arguments: [
        ("()", [Int]()), ("(3,)", [3]), ("(3)", [3]), ("( 1 ,3 , 1)", [1, 3, 1]), ("(0, 7)", [0, 7]),
    ])
    func readsShapes(text: String, shape: [Int]) throws {
        let numbers = [UInt8](repeating: 0, count: 4 * shape.reduce(1, *))
        try withFile(npy("<f4", shape: text, numbers: numbers)) { (path: String) throws in
            #expect(try Tensor<Float>(npy: path).shape == shape)
        }
        try withFile(npy("<f4", order: "True", shape: text, numbers: numbers)) { (path: String) throws in
            #expect(try Tensor<Float>(npy: path).shape == shape)
        }
    }

    @Test func readsEntriesInAnyOrderAndQuotes() throws {
        let header = "{\"shape\":(1,),'fortran_order':False,\"descr\":\"<f4\"}"
        try withFile(npy(header, numbers: bytes((2.5 as Float).bitPattern))) { (path: String) throws in
            #expect(try Tensor<Float>(npy: path).elements == [2.5])
        }
    }

    @Test func readsEveryFloat16() throws {
        let numbers = (0...UInt16.max).flatMap { bytes($0, bigEndian: true) }
        try withFile(npy(">f2", shape: "(65536,)", numbers: numbers)) { (path: String) throws in
            for (bits, value) in try Tensor<Float>(npy: path).elements.enumerated() {
                // By the definition: sign, 5 bits of exponent, 10 of fraction.
                let (exponent, fraction) = (bits >> 10 & 31, Double(bits & 1023))
                var expected: Double
                switch exponent {
                case 31: expected = fraction == 0 ? .infinity : .nan
                case 0: expected = fraction * 0x1p-24
                default: expected = (1 + fraction / 1024) * pow(2, Double(exponent - 15))
                }
                if bits >> 15 == 1 { expected = -expected }
                #expect(Double(value) == expected || value.isNaN && expected.isNaN, "bits \(bits)")
            }
        }
    }

    @Test func roundsToTheElement() throws {
        let stored: [Double] = [1e300, -.infinity, 1 + 0x1p-24, 1 + 0x1.8p-24, 1e-45, 65504]
        try withFile(npy("<f8", shape: "(6,)", numbers: stored.flatMap { bytes($0.bitPattern) })) {
            (path: String) throws in
            #expect(
                try Tensor<Float>(npy: path).elements == [
                    .infinity, -.infinity, 1, 1 + 0x1p-23, .leastNonzeroMagnitude, 65504,
                ])
            #expect(try Tensor<Float16>(npy: path).elements == [.infinity, -.infinity, 1, 1, 0, 65504])
        }
    }

    @Test(arguments: [[], [1], [5], [2, 3], [2, 0, 4], [1, 2, 3, 2, 1]])
    func writesWhatItReads(shape: [Int]) throws {
        let count = shape.reduce(1, *)
        let tensor = try Tensor(shape: shape, elements: (0..<count).map { Float($0) / 3 - 1 })
        try inNewFolder { (folder: String) throws in
            let path = folder + "/x.npy"
            try tensor.write(npy: path)
            #expect(try Tensor<Float>(npy: path) == tensor)
            let written = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
            #expect((written.count - 4 * count).isMultiple(of: 64))

            let wide = try tensor.map { Double($0) / 7 }
            try wide.write(npy: path)
            #expect(try Tensor<Double>(npy: path) == wide)
            let narrow = try tensor.map { Float16($0) }
            try narrow.write(npy: path)
            #expect(try Tensor<Float16>(npy: path) == narrow)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["x.npy"])
        }
    }

    @Test func writesTheBytesOfNumPy() throws {
        try inNewFolder { (folder: String) throws in
            let path = folder + "/x.npy"
            try Tensor<Float>(shape: [1, 2], elements: [1, -2]).write(npy: path)
            let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }"
            let header = text + String(repeating: " ", count: 128 - 11 - text.utf8.count) + "\n"
            let expected = npy(
                header, numbers: bytes((1 as Float).bitPattern) + bytes((-2 as Float).bitPattern))
            #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))) == expected)
        }
    }

    @Test func everyTruncationIsAnError() throws {
        for version in [1, 2] as [UInt8] {
            let whole = npy("<f4", shape: "(3,)", version: version, numbers: [UInt8](repeating: 1, count: 12))
            for count in 0..<whole.count {
                try withFile(Array(whole[..<count])) { (path: String) throws in
                    let error = failure(.format) { _ = try Tensor<Float>(npy: path) }
                    #expect(error?.message.contains(path) == true)
                }
            }
        }
    }

    @Test func everyDamagedByteIsReadOrAnError() throws {
        let whole = npy("<f4", shape: "(3,)", numbers: [UInt8](repeating: 1, count: 12))
        for place in whole.indices {
            for byte in [0, 0x27, 0x28, 0x39, 0x5B, 0xFF] as [UInt8] {
                var damaged = whole
                damaged[place] = byte
                try withFile(damaged) { (path: String) throws in
                    do { _ = try Tensor<Float>(npy: path) } catch let error as NonLocalError {
                        #expect(error.code == .format)
                    }
                }
            }
        }
    }

    @Test(arguments: [
        (type: "<i8", shape: "(1,)", says: "<i8"),
        ("|b1", "(1,)", "|b1"),
        ("<c8", "(1,)", "<c8"),
        ("<V2", "(1,)", "<V2"),
        ("<f4", "(3,)", "promises 12 bytes"),
        ("<f4", "(1,)", "promises 4 bytes"),
        ("<f4", "(1000000000000,)", "promises 4000000000000 bytes"),
        ("<f4", "(4611686018427387904, 4)", "more than any file"),
        ("<f8", "(2305843009213693952,)", "more than any file"),
        ("<f4", "(9223372036854775808,)", "below 2^63"),
        ("<f4", "(-2,)", "-2"),
        ("<f4", "(2.0,)", "2.0"),
        ("<f4", "(2", "expected"),
        ("<f4", "[2]", "expected '('"),
        ("<f4", "(\(String(repeating: "1,", count: 100)))", "100 dimensions"),
    ])
    func refuses(type: String, shape: String, says: String) throws {
        try withFile(npy(type, shape: shape, numbers: [UInt8](repeating: 0, count: 8))) {
            (path: String) throws in
            let error = failure(.format) { _ = try Tensor<Float>(npy: path) }
            #expect(error?.description.contains(says) == true, "\(String(describing: error))")
            #expect(error?.message.contains(path) == true)
        }
    }

    @Test(arguments: [
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x",
        "{'descr", "{", "", "__import__('os')",
    ])
    func refusesHeaders(header: String) throws {
        try withFile(npy(header, numbers: [UInt8](repeating: 0, count: 8))) { (path: String) throws in
            _ = failure(.format) { _ = try Tensor<Float>(npy: path) }
        }
    }

    @Test func refusesVersion4() throws {
        try withFile(npy("<f4", shape: "(0,)", version: 4, numbers: [])) { (path: String) throws in
            let error = failure(.format) { _ = try Tensor<Float>(npy: path) }
            #expect(error?.message.contains("version 4.0") == true)
        }
    }
}
