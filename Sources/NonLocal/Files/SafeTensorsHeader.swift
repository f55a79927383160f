/// The header of a safetensors file, checked as strictly as the format's own library checks it.
struct SafeTensorsHeader {
    /// In the order of their bytes.
    var entries: [SafeTensors.Entry] = []
    var metadata: [String: String] = [:]
    /// Bytes up to the first number.
    let length: Int

    /// The limit of the format's own library.
    private static var longest: Int { 100_000_000 }

    /// - Throws: ``NonLocalError/Code/format``
    init(_ file: InputFile) throws {
        let damaged = "The file was cut off or damaged; copy or download it again."
        guard file.size >= 8 else {
            throw NonLocalError(
                .format, "'\(file.path)' has \(file.size) bytes, too few for a safetensors file",
                advice: damaged)
        }
        let promised = try file.bytes(8, at: 0).reversed().reduce(0 as UInt64) { $0 << 8 + UInt64($1) }
        guard promised <= UInt64(Self.longest), promised <= UInt64(file.size - 8) else {
            throw NonLocalError(
                .format,
                "'\(file.path)' promises a header of \(promised) bytes; the file has \(file.size), the format allows \(Self.longest)",
                advice: "It is not a safetensors file, or it was cut off.")
        }
        length = 8 + Int(promised)
        do {
            try parse(try file.bytes(Int(promised), at: 8))
        } catch let failure as HeaderFailure {
            throw NonLocalError(
                .format, "the header of '\(file.path)', byte \(8 + failure.position): \(failure.message)",
                advice: "It is not a safetensors file, or it was damaged.")
        }
        entries.sort {
            ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound)
        }
        var end = 0
        for entry in entries {
            guard entry.bytes.lowerBound == end else {
                throw NonLocalError(
                    .format,
                    "the tensor '\(entry.name)' in '\(file.path)' begins at byte \(entry.bytes.lowerBound) of the numbers where \(end) is next: a gap or an overlap"
                )
            }
            end = entry.bytes.upperBound
        }
        guard end == file.size - length else {
            throw NonLocalError(
                .format, "'\(file.path)' promises \(end) bytes of numbers and holds \(file.size - length)",
                advice: damaged)
        }
    }

    private mutating func parse(_ bytes: [UInt8]) throws {
        guard bytes.first == UInt8(ascii: "{") else {
            throw HeaderFailure(message: "expected '{'", position: 0)
        }
        var scanner = HeaderScanner(bytes)
        var entries: [SafeTensors.Entry] = []
        var metadata: [String: String] = [:]
        try scanner.object { scanner, name in
            if name == "__metadata__" {
                try scanner.object { scanner, key in metadata[key] = try scanner.string() }
            } else {
                entries.append(try Self.entry(name, &scanner))
            }
        }
        guard scanner.peek() == nil else { throw scanner.failure("expected the end of the header") }
        (self.entries, self.metadata) = (entries, metadata)
    }

    private static func entry(_ name: String, _ scanner: inout HeaderScanner) throws -> SafeTensors.Entry {
        var type: SafeTensors.NumberType?
        var shape: [Int]?
        var offsets: [Int]?
        _ = scanner.peek()
        let position = scanner.position
        try scanner.object { scanner, key in
            switch key {
            case "dtype":
                let text = try scanner.string()
                type = SafeTensors.NumberType(rawValue: text)
                if type == nil {
                    throw scanner.failure("the tensor '\(name)' has the unknown dtype '\(text)'")
                }
            case "shape": shape = try extents(&scanner)
            case "data_offsets": offsets = try extents(&scanner)
            default: try scanner.skipValue()
            }
        }
        guard let type, let shape, let offsets, offsets.count == 2, offsets[0] <= offsets[1] else {
            throw HeaderFailure(
                message:
                    "the tensor '\(name)' needs dtype, shape and data_offsets [begin, end] with begin ≤ end",
                position: position)
        }
        guard let count = try? elementCount(of: shape),
            case let (bits, overflow) = count.multipliedReportingOverflow(by: type.bits), !overflow,
            bits == (offsets[1] - offsets[0]).multipliedReportingOverflow(by: 8).partialValue,
            offsets[1] - offsets[0] <= Int.max / 8
        else {
            throw HeaderFailure(
                message:
                    "the tensor '\(name)', \(type.rawValue) of shape \(shape), does not fit its \(offsets[1] - offsets[0]) bytes",
                position: position)
        }
        return SafeTensors.Entry(name: name, type: type, shape: shape, bytes: offsets[0]..<offsets[1])
    }

    private static func extents(_ scanner: inout HeaderScanner) throws -> [Int] {
        var values: [Int] = []
        try scanner.array { values.append(try $0.extent("a size")) }
        return values
    }
}
