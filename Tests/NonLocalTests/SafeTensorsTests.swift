import Foundation
import NonLocal
import Testing

/// The bytes of a safetensors file with this header.
func safeTensors(_ header: String, numbers: [UInt8]) -> [UInt8] {
    bytes(UInt64(header.utf8.count)) + Array(header.utf8) + numbers
}

@Suite struct SafeTensorsTests {
    @Test func readsEachFloatType() throws {
        let header = """
            {"__metadata__":{"made by":"h\\u00e4nd \\ud83d\\ude00"},
             "half":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},
             "brain":{"dtype":"BF16","shape":[1,2],"data_offsets":[4,8]},
             "single":{"dtype":"F32","shape":[],"data_offsets":[8,12]},
             "double":{"dtype":"F64","shape":[2,1],"data_offsets":[12,28]},
             "empty":{"dtype":"F32","shape":[3,0],"data_offsets":[28,28]}}
            """
        let half = bytes(0x0001 as UInt16) + bytes(0xFC00 as UInt16)
        let brain = bytes(0x3FC0 as UInt16) + bytes(0x0001 as UInt16)
        let single = bytes((-0.0 as Float).bitPattern)
        let double = bytes((0.1 as Double).bitPattern) + bytes((1e300 as Double).bitPattern)
        try withFile(safeTensors(header, numbers: half + brain + single + double)) { (path: String) throws in
            let file = try SafeTensors(path)
            #expect(file.names == ["half", "brain", "single", "double", "empty"])
            #expect(file.metadata == ["made by": "händ 😀"])
            #expect(try file.tensor("half", as: Float.self).elements == [0x1p-24, -.infinity])
            #expect(try file.tensor("brain", as: Float.self).elements == [1.5, 0x1p-133])
            #expect(try file.tensor("brain", as: Double.self).elements == [1.5, 0x1p-133])
            #expect(try file.tensor("brain", as: Float.self).shape == [1, 2])
            #expect(try file.tensor("single", as: Float.self).shape == [])
            #expect(try file.tensor("single", as: Float.self).elements.map(\.sign) == [.minus])
            #expect(try file.tensor("double", as: Float.self).elements == [0.1, .infinity])
            #expect(try file.tensor("double", as: Double.self).elements == [0.1, 1e300])
            #expect(try file.tensor("empty", as: Float.self).shape == [3, 0])
            let missing = failure(.missingKey) { _ = try file.tensor("none", as: Float.self) }
            #expect(missing?.description.contains("half, brain, single") == true)
        }
    }

    @Test(arguments: SafeTensors.NumberType.allCases)
    func listsEachType(type: SafeTensors.NumberType) throws {
        let header =
            "{\"x\":{\"dtype\":\"\(type.rawValue)\",\"shape\":[4],\"data_offsets\":[0,\(type.bits / 2)]}}"
        let numbers = [UInt8](repeating: 0, count: type.bits / 2)
        try withFile(safeTensors(header, numbers: numbers)) { (path: String) throws in
            let file = try SafeTensors(path)
            #expect(file["x"]?.type == type)
            #expect(file["x"]?.shape == [4])
            if [.float16, .bfloat16, .float32, .float64].contains(type) {
                #expect(try file.tensor("x", as: Float.self).elements == [0, 0, 0, 0])
            } else {
                let error = failure(.format) { _ = try file.tensor("x", as: Float.self) }
                #expect(error?.message.contains("type \(type.rawValue)") == true)
            }
        }
    }

    @Test func writesWhatItReads() throws {
        let tensors: [(name: String, tensor: Tensor<Float>)] = [
            ("plain", try Tensor(shape: [2, 2], elements: [1, 2, 3, 4])),
            ("\"q\" \\ \n\u{1} ü", try Tensor(shape: [], elements: [5])),
            ("", try Tensor(shape: [0], elements: [])),
        ]
        try inNewFolder { (folder: String) throws in
            let path = folder + "/x.safetensors"
            try SafeTensors.write(tensors, metadata: ["note": "a\tb"], to: path)
            let file = try SafeTensors(path)
            #expect(file.metadata == ["note": "a\tb"])
            #expect(Set(file.names) == Set(tensors.map(\.name)))
            for (name, tensor) in tensors { #expect(try file.tensor(name, as: Float.self) == tensor) }
            let size = try Data(contentsOf: URL(fileURLWithPath: path)).count
            #expect((size - 20).isMultiple(of: 8))
            _ = failure(.format) { try SafeTensors.write([tensors[0], tensors[0]], to: folder + "/y") }
            _ = failure(.format) {
                try SafeTensors.write([("__metadata__", tensors[0].tensor)], to: folder + "/y")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["x.safetensors"])
        }
    }

    private static let small = safeTensors(
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[8,10]}}",
        numbers: [UInt8](repeating: 1, count: 10))

    @Test func everyTruncationIsAnError() throws {
        try withFile(Self.small) { (path: String) throws in _ = try SafeTensors(path) }
        for count in Self.small.indices {
            try withFile(Array(Self.small[..<count])) { (path: String) throws in
                let error = failure(.format) { _ = try SafeTensors(path) }
                #expect(error?.message.contains(path) == true)
            }
        }
    }

    @Test func everyDamagedByteIsReadOrAnError() throws {
        for place in Self.small.indices {
            for byte in [0, 0x22, 0x2D, 0x39, 0x5B, 0x5C, 0x7B, 0xFF] as [UInt8] {
                var damaged = Self.small
                damaged[place] = byte
                try withFile(damaged) { (path: String) throws in
                    do {
                        let file = try SafeTensors(path)
                        for name in file.names { _ = try file.tensor(name, as: Float.self) }
                    } catch let error as NonLocalError { #expect(error.code == .format) }
                }
            }
        }
    }

    @Test func aFileThatShrinksIsAnError() throws {
        try withFile(Self.small) { (path: String) throws in
            let file = try SafeTensors(path)
            #expect(truncate(path, 90) == 0)
            let error = failure(.format) { _ = try file.tensor("a", as: Float.self) }
            #expect(error?.message.contains("too soon") == true)
        }
    }

    /// Descriptions of the tensors, each with 8 bytes of numbers in the file.
    @Test(arguments: [
        (#""a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}"#, "does not fit its 8 bytes"),
        (#""a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}"#, "begin ≤ end"),
        (#""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}"#, "begin ≤ end"),
        (#""a":{"dtype":"F32","shape":[2]}"#, "needs dtype"),
        (#""a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}"#, "unknown dtype 'F31'"),
        (#""a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}"#, "-2"),
        (#""a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}"#, "2.0"),
        (#""a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,8]}"#, "1e400"),
        (#""a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}"#, "expected a size"),
        (#""a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}"#, "does not fit"),
        (#""a":{"dtype":"F64","shape":[2305843009213693953],"data_offsets":[0,8]}"#, "does not fit"),
        (#""a":{"dtype":"F4","shape":[3],"data_offsets":[0,8]}"#, "does not fit"),
        (
            #""a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}"#,
            "does not fit"
        ),
        (
            #""a":{"dtype":"U8","shape":[99999999999],"data_offsets":[0,99999999999]}"#,
            "promises 99999999999 bytes"
        ),
        (#""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#, "promises 4 bytes of numbers and holds 8"),
        (#""a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#, "a gap or an overlap"),
        (
            #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#,
            "a gap or an overlap"
        ),
        (
            #""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#,
            "the name 'a' comes twice"
        ),
        (#""a":7"#, "expected '{'"),
        (#""__metadata__":{"a":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#, "expected '\"'"),
    ])
    func refuses(members: String, says: String) throws {
        let file = safeTensors("{\(members)}", numbers: [UInt8](repeating: 0, count: 8))
        try withFile(file) { (path: String) throws in
            let error = failure(.format) { _ = try SafeTensors(path) }
            #expect(error?.message.contains(says) == true, "\(String(describing: error))")
            #expect(error?.message.contains(path) == true)
        }
    }

    @Test(arguments: [
        "[]", "", "null", "{", "{}x", #"{"a"}"#, #"{"a":}"#, #"{"a":{"x":nul}}"#, #"{"\ud800":{}}"#,
        #"{"\q":{}}"#,
        #"{"a":{"x":"# + String(repeating: "[", count: 100_000),
        #"{"a":{"x":"# + String(repeating: #"{"y":"#, count: 100_000),
        String(repeating: "{", count: 100_000),
    ])
    func refusesHeaders(header: String) throws {
        try withFile(safeTensors(header, numbers: [])) { (path: String) throws in
            _ = failure(.format) { _ = try SafeTensors(path) }
        }
    }

    @Test(arguments: [9, 100_000_001, 1 << 62, .max] as [UInt64])
    func refusesHeaderLengths(length: UInt64) throws {
        try withFile(bytes(length) + Array("{}".utf8)) { (path: String) throws in
            let error = failure(.format) { _ = try SafeTensors(path) }
            #expect(error?.message.contains("header of \(length) bytes; the file has 10") == true)
        }
    }

    @Test func ignoresUnknownMembersAndSpaces() throws {
        let header =
            #" {"a" : {"more":[{"x":[1.5e3,true,null,"y"]}], "dtype":"F32","shape":[2],"data_offsets":[0,8]}}  "#
        let numbers = [UInt8](repeating: 0, count: 8)
        try withFile(safeTensors(String(header.dropFirst()), numbers: numbers)) { (path: String) throws in
            #expect(try SafeTensors(path).names == ["a"])
        }
        // The format wants the brace first.
        try withFile(safeTensors(header, numbers: numbers)) { (path: String) throws in
            _ = failure(.format) { _ = try SafeTensors(path) }
        }
    }
}
