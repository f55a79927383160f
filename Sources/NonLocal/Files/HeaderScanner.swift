/// What is wrong in a file's header, and at which of its bytes, counted from 0.
struct HeaderFailure: Error {
    var message: String
    var position: Int
}

/// Reads a file's header byte by byte: the tokens that JSON and Python's literals share.
struct HeaderScanner {
    let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next byte that is not white space, without taking it; none at the end.
    mutating func peek() -> UInt8? {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
        return position < bytes.count ? bytes[position] : nil
    }

    /// Takes the next byte if it is `character`.
    mutating func take(_ character: Character) -> Bool {
        guard let next = peek(), next == character.asciiValue else { return false }
        position += 1
        return true
    }

    mutating func expect(_ character: Character) throws(HeaderFailure) {
        guard take(character) else { throw failure("expected '\(character)'") }
    }

    /// Takes letters; may be empty.
    mutating func word() -> String {
        _ = peek()
        let start = position
        while position < bytes.count, isLetter(bytes[position]) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// A whole number ≥ 0 that fits an `Int`.
    mutating func extent(_ what: String) throws(HeaderFailure) -> Int {
        let text = numberText()
        let start = position - text.utf8.count
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(text) else {
            throw HeaderFailure(
                message: "expected \(what), a whole number of at least 0"
                    + (text.isEmpty ? "" : " and below 2^63, found \(text.prefix(40))"),
                position: start)
        }
        return value
    }

    /// Takes what looks like a number, letters too; may be empty.
    mutating func numberText() -> String {
        _ = peek()
        let start = position
        while position < bytes.count, isPartOfNumber(bytes[position]) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// A fault at the next byte.
    mutating func failure(_ message: String) -> HeaderFailure {
        guard let next = peek() else {
            return HeaderFailure(message: "\(message), found the end", position: position)
        }
        let found = (0x21...0x7E).contains(next) ? "'\(Character(UnicodeScalar(next)))'" : "byte \(next)"
        return HeaderFailure(message: "\(message), found \(found)", position: position)
    }

    /// The next byte, white space too; only for the inside of strings.
    mutating func rawByte() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    private func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private func isPartOfNumber(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || [0x2B, 0x2D, 0x2E].contains(byte) || isLetter(byte)
    }
}
