/// What stands before the numbers of a `.npy` file (NumPy's NEP 1): the magic, a version, a length and a
/// Python dictionary such as `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
struct NpyHeader {
    var format: NumberFormat
    var bigEndian: Bool
    var fortranOrder: Bool
    var shape: [Int]
    /// Bytes up to the first number.
    var length: Int

    private static var magic: [UInt8] { [0x93] + Array("NUMPY".utf8) }
    /// NumPy itself allows 32 in older versions, 64 in newer.
    private static var mostDimensions: Int { 64 }

    /// - Throws: ``NonLocalError/Code/format`` if the file is not of the format, or its size is not what
    ///   the header says.
    init(_ file: InputFile) throws {
        let start = try file.bytes(min(file.size, 12), at: 0)
        guard start.count >= 10, Array(start[..<6]) == Self.magic else {
            throw NonLocalError(
                .format, "'\(file.path)' is not a .npy file: it does not begin with \\x93NUMPY",
                advice: "Save the array with numpy.save.")
        }
        let version = start[6]
        guard (1...3).contains(version), version == 1 || start.count == 12 else {
            throw NonLocalError(
                .format, "'\(file.path)' is .npy of version \(version).\(start[7]); versions 1 to 3 are known"
            )
        }
        let lengthBytes = start[8..<(version == 1 ? 10 : 12)]
        let dictionaryLength = lengthBytes.reversed().reduce(0) { $0 << 8 + Int($1) }
        length = 8 + lengthBytes.count + dictionaryLength
        guard length <= file.size, dictionaryLength <= 1 << 20 else {
            throw NonLocalError(
                .format,
                "'\(file.path)' promises a header of \(dictionaryLength) bytes; the file has \(file.size)",
                advice: "The file was cut off or damaged; copy or save it again.")
        }

        var dictionary = NpyDictionary()
        do {
            try dictionary.read(try file.bytes(dictionaryLength, at: length - dictionaryLength))
        } catch let failure as HeaderFailure {
            throw NonLocalError(
                .format, "the header of '\(file.path)', byte \(failure.position): \(failure.message)")
        }
        guard let descriptor = dictionary.descriptor, let fortranOrder = dictionary.fortranOrder,
            let shape = dictionary.shape
        else {
            throw NonLocalError(
                .format, "the header of '\(file.path)' lacks one of 'descr', 'fortran_order', 'shape'")
        }
        guard let (format, bigEndian) = Self.numberFormat(descriptor) else {
            throw NonLocalError(
                .format, "'\(file.path)' holds numbers of dtype \(descriptor)",
                advice: "float16, float32 and float64 can be read; convert with astype(numpy.float32).")
        }
        guard shape.count <= Self.mostDimensions else {
            throw NonLocalError(.format, "'\(file.path)' has \(shape.count) dimensions; NumPy has at most 64")
        }
        (self.format, self.bigEndian, self.fortranOrder, self.shape) = (
            format, bigEndian, fortranOrder, shape
        )
        try checkSize(of: file)
    }

    private func checkSize(of file: InputFile) throws {
        guard let count = try? elementCount(of: shape),
            case let (bytes, overflow) = count.multipliedReportingOverflow(by: format.size), !overflow
        else {
            throw NonLocalError(
                .format, "'\(file.path)' promises the shape \(shape), more than any file can hold")
        }
        guard bytes == file.size - length else {
            throw NonLocalError(
                .format,
                "'\(file.path)' promises \(bytes) bytes of numbers, shape \(shape), and holds \(file.size - length)",
                advice: bytes > file.size - length
                    ? "The file was cut off; copy or save it again." : "Save one array a file.")
        }
    }

    private static func numberFormat(_ descriptor: String) -> (NumberFormat, bigEndian: Bool)? {
        let order = descriptor.first
        let known: [String: NumberFormat] = ["f2": .float16, "f4": .float32, "f8": .float64]
        guard let format = known[String(descriptor.dropFirst())], order == "<" || order == ">" else {
            return nil
        }
        return (format, order == ">")
    }

    /// The header of a file to write, padded with spaces to a multiple of 64 bytes as NumPy does.
    static func bytes(shape: [Int], format: NumberFormat?, path: String) throws(NonLocalError) -> [UInt8] {
        guard let format, format != .bfloat16 else {
            throw NonLocalError(.file, "can't write '\(path)': .npy has no such numbers")
        }
        let tuple =
            shape.count == 1 ? "(\(shape[0]),)" : "(\(shape.map(String.init).joined(separator: ", ")))"
        let text = "{'descr': '<f\(format.size)', 'fortran_order': False, 'shape': \(tuple), }"
        let unpadded = 10 + text.utf8.count + 1
        let dictionary = text + String(repeating: " ", count: (64 - unpadded % 64) % 64) + "\n"
        let length = dictionary.utf8.count
        guard length <= UInt16.max else {
            throw NonLocalError(.file, "can't write '\(path)': \(shape.count) dimensions are too many")
        }
        return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(dictionary.utf8)
    }
}

/// The dictionary in the header, each entry at most once.
private struct NpyDictionary {
    var descriptor: String?
    var fortranOrder: Bool?
    var shape: [Int]?

    mutating func read(_ bytes: [UInt8]) throws(HeaderFailure) {
        var scanner = HeaderScanner(bytes)
        try scanner.expect("{")
        while !scanner.take("}") {
            let key = try quoted(&scanner)
            try scanner.expect(":")
            switch key {
            case "descr" where descriptor == nil: descriptor = try dtype(&scanner)
            case "fortran_order" where fortranOrder == nil: fortranOrder = try boolean(&scanner)
            case "shape" where shape == nil: shape = try tuple(&scanner)
            default: throw scanner.failure("the entry '\(key.prefix(40))' is unknown or comes twice")
            }
            if !scanner.take(",") {
                try scanner.expect("}")
                break
            }
        }
        guard scanner.peek() == nil else { throw scanner.failure("expected the end of the header") }
    }

    private func quoted(_ scanner: inout HeaderScanner) throws(HeaderFailure) -> String {
        let quote: Character = scanner.peek() == UInt8(ascii: "\"") ? "\"" : "'"
        try scanner.expect(quote)
        var text: [UInt8] = []
        while let byte = scanner.rawByte() {
            if byte == quote.asciiValue { return String(decoding: text, as: UTF8.self) }
            text.append(byte)
        }
        throw scanner.failure("a string without end")
    }

    /// A structured type is a list of fields: taken to be named in the message.
    private func dtype(_ scanner: inout HeaderScanner) throws(HeaderFailure) -> String {
        guard scanner.peek() == UInt8(ascii: "[") else { return try quoted(&scanner) }
        throw scanner.failure("expected the name of a float type, not a structured dtype (a list of fields)")
    }

    private func boolean(_ scanner: inout HeaderScanner) throws(HeaderFailure) -> Bool {
        switch scanner.word() {
        case "True": return true
        case "False": return false
        default: throw scanner.failure("expected True or False")
        }
    }

    private func tuple(_ scanner: inout HeaderScanner) throws(HeaderFailure) -> [Int] {
        var extents: [Int] = []
        try scanner.expect("(")
        while !scanner.take(")") {
            extents.append(try scanner.extent("an extent"))
            if !scanner.take(",") {
                try scanner.expect(")")
                break
            }
        }
        return extents
    }
}
