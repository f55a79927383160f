/// JSON, strictly (RFC 8259), as far as the header of a safetensors file needs it: no tree is built, and
/// names that come twice are found.
extension HeaderScanner {
    /// Deeper nesting than any header has; the limit keeps the stack small.
    private static var deepest: Int { 32 }

    /// An object; `member` has to take the value of each name.
    mutating func object(_ member: (inout HeaderScanner, String) throws -> Void) throws {
        try expect("{")
        if take("}") { return }
        var seen: Set<String> = []
        repeat {
            let start = position
            let name = try string()
            guard seen.insert(name).inserted else {
                throw HeaderFailure(message: "the name '\(name)' comes twice", position: start)
            }
            try expect(":")
            try member(&self, name)
        } while take(",")
        try expect("}")
    }

    /// An array; `element` has to take each value.
    mutating func array(_ element: (inout HeaderScanner) throws -> Void) throws {
        try expect("[")
        if take("]") { return }
        repeat { try element(&self) } while take(",")
        try expect("]")
    }

    mutating func string() throws -> String {
        try expect("\"")
        let start = position
        var text: [UInt8] = []
        while let byte = rawByte() {
            switch byte {
            case UInt8(ascii: "\""):
                guard let valid = String(validating: text, as: UTF8.self) else {
                    throw HeaderFailure(message: "a string is not UTF-8", position: start)
                }
                return valid
            case UInt8(ascii: "\\"): text += String(try escape()).utf8
            case ..<0x20:
                throw HeaderFailure(message: "a control character in a string", position: position - 1)
            default: text.append(byte)
            }
        }
        throw HeaderFailure(message: "a string without end", position: start)
    }

    /// Any value, to be ignored.
    mutating func skipValue(depth: Int = 0) throws {
        guard depth < Self.deepest else { throw failure("nested deeper than \(Self.deepest)") }
        switch peek() {
        case UInt8(ascii: "{"): try object { scanner, _ in try scanner.skipValue(depth: depth + 1) }
        case UInt8(ascii: "["): try array { scanner in try scanner.skipValue(depth: depth + 1) }
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            let start = position
            guard ["true", "false", "null"].contains(word()) else {
                throw HeaderFailure(message: "expected true, false or null", position: start)
            }
        default:
            let text = numberText()
            guard let first = text.utf8.first, first == UInt8(ascii: "-") || first <= UInt8(ascii: "9"),
                Double(text) != nil
            else { throw failure("expected a value") }
        }
    }

    private mutating func escape() throws -> Unicode.Scalar {
        let start = position - 1
        switch rawByte() {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var code = hexadecimal()
            if let high = code, (0xD800...0xDBFF).contains(high), rawByte() == UInt8(ascii: "\\"),
                rawByte() == UInt8(ascii: "u"), let low = hexadecimal(), (0xDC00...0xDFFF).contains(low)
            {
                code = 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
            }
            if let scalar = code.flatMap(Unicode.Scalar.init) { return scalar }
        default: break
        }
        throw HeaderFailure(message: "a string has an escape that JSON does not know", position: start)
    }

    private mutating func hexadecimal() -> UInt32? {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = rawByte(), let digit = Character(UnicodeScalar(byte)).hexDigitValue else {
                return nil
            }
            value = value << 4 + UInt32(digit)
        }
        return value
    }
}
