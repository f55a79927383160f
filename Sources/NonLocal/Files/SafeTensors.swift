/// A safetensors file open for reading: names and shapes at once, numbers when they are asked for.
///
/// The format: 8 bytes with the length of the header (little-endian), a JSON object that names each tensor
/// with its type, shape and place, then the numbers, without gaps, little-endian, row-major.
public struct SafeTensors: Sendable {
    /// A tensor in the file.
    public struct Entry: Sendable, Hashable {
        /// Unique in the file.
        public let name: String
        /// How its numbers are stored.
        public let type: NumberType
        /// Outermost dimension first; empty for a single number.
        public let shape: [Int]
        /// Bytes from the end of the header.
        let bytes: Range<Int>
    }

    /// The path that it was opened by.
    public let path: String
    /// The tensors in the order of their numbers in the file.
    public let entries: [Entry]
    /// What the writer noted under `__metadata__`.
    public let metadata: [String: String]
    private let file: InputFile
    private let dataStart: Int
    private let places: [String: Int]

    /// Opens a file and reads its header.
    ///
    /// - Throws: ``NonLocalError/Code/file`` if it can't be read; ``NonLocalError/Code/format`` if it is
    ///   not of the format. Checked are the length of the header, that each tensor's shape fits its bytes,
    ///   and that the tensors fill the file without gap or overlap.
    public init(_ path: String) throws {
        let file = try InputFile(path)
        let header = try SafeTensorsHeader(file)
        self.path = path
        self.file = file
        entries = header.entries
        metadata = header.metadata
        dataStart = header.length
        places = Dictionary(uniqueKeysWithValues: header.entries.enumerated().map { ($1.name, $0) })
    }

    /// The names of the tensors in the order of their numbers in the file.
    public var names: [String] { entries.map(\.name) }

    /// The tensor of that name; none if the file lacks it.
    public subscript(_ name: String) -> Entry? { places[name].map { entries[$0] } }

    /// Reads a tensor stored as F16, BF16, F32 or F64. Each number is rounded to the nearest `Element`; one
    /// that is too large for `Element` becomes infinite.
    ///
    /// - Throws: ``NonLocalError/Code/missingKey`` if the file lacks it; ``NonLocalError/Code/format`` if
    ///   its numbers are of another type or the file was cut off meanwhile; ``NonLocalError/Code/memory``.
    public func tensor<Element: TensorElement & BinaryFloatingPoint>(
        _ name: String, as element: Element.Type = Float.self
    ) throws -> Tensor<Element> {
        guard let entry = self[name] else {
            throw NonLocalError(
                .missingKey, "'\(path)' has no tensor '\(name)'", advice: "It has \(listing(names)).")
        }
        guard let format = entry.type.format else {
            throw NonLocalError(
                .format, "the tensor '\(name)' in '\(path)' has numbers of type \(entry.type.rawValue)",
                advice: "F16, BF16, F32 and F64 can be read; convert it, for instance with tensor.float().")
        }
        let numbers = StoredNumbers(file: file, offset: dataStart + entry.bytes.lowerBound, format: format)
        return try Tensor(shape: entry.shape) { try numbers.read(into: $0) }
    }
}

extension SafeTensors {
    /// A type of number, under the name that the format gives it.
    public enum NumberType: String, Sendable, Hashable, CaseIterable {
        /// True or false, a byte each.
        case bool = "BOOL"
        /// 4 bits.
        case float4 = "F4"
        /// 6 bits, 2 of them exponent.
        case float6E2M3 = "F6_E2M3"
        /// 6 bits, 3 of them exponent.
        case float6E3M2 = "F6_E3M2"
        /// 8 bits without sign.
        case uint8 = "U8"
        /// 8 bits with sign.
        case int8 = "I8"
        /// 8 bits, 5 of them exponent.
        case float8E5M2 = "F8_E5M2"
        /// 8 bits, 4 of them exponent.
        case float8E4M3 = "F8_E4M3"
        /// 8 bits of exponent: a power of two.
        case float8E8M0 = "F8_E8M0"
        /// 8 bits, 4 of them exponent, without infinities and negative zero.
        case float8E4M3FNUZ = "F8_E4M3FNUZ"
        /// 8 bits, 5 of them exponent, without infinities and negative zero.
        case float8E5M2FNUZ = "F8_E5M2FNUZ"
        /// 16 bits with sign.
        case int16 = "I16"
        /// 16 bits without sign.
        case uint16 = "U16"
        /// IEEE 754 half precision.
        case float16 = "F16"
        /// The upper half of a float32.
        case bfloat16 = "BF16"
        /// 32 bits with sign.
        case int32 = "I32"
        /// 32 bits without sign.
        case uint32 = "U32"
        /// IEEE 754 single precision.
        case float32 = "F32"
        /// Two float32.
        case complex64 = "C64"
        /// IEEE 754 double precision.
        case float64 = "F64"
        /// 64 bits with sign.
        case int64 = "I64"
        /// 64 bits without sign.
        case uint64 = "U64"

        /// Bits in a number.
        public var bits: Int {
            switch self {
            case .float4: 4
            case .float6E2M3, .float6E3M2: 6
            case .bool, .uint8, .int8, .float8E5M2, .float8E4M3, .float8E8M0, .float8E4M3FNUZ,
                .float8E5M2FNUZ:
                8
            case .int16, .uint16, .float16, .bfloat16: 16
            case .int32, .uint32, .float32: 32
            case .complex64, .float64, .int64, .uint64: 64
            }
        }

        var format: NumberFormat? {
            switch self {
            case .float16: .float16
            case .bfloat16: .bfloat16
            case .float32: .float32
            case .float64: .float64
            default: nil
            }
        }
    }
}

/// Names for a message: all, or the first 40 and how many more.
func listing(_ names: some Collection<String>) -> String {
    guard !names.isEmpty else { return "none" }
    let most = 40
    let text = names.prefix(most).joined(separator: ", ")
    return names.count > most ? "\(text) and \(names.count - most) more" : text
}
