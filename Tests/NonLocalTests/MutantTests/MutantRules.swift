import NonLocalKernels

@testable import NonLocal

/// What is changed in kernels: operators, bounds, indices, constants, initial values, tails, sums and barriers.
enum MutantRules {
    static func mutants(of source: KernelSource) -> [Mutant] {
        let tokens = Token.all(in: Array(source.text.utf8))
        var mutants: [Mutant] = []
        for (index, token) in tokens.enumerated() {
            let others = replacements(for: index, among: tokens)
            mutants += others.map { Mutant(source: source, range: token.range, replacement: $0) }
            if let end = statement(from: index, among: tokens) {
                mutants.append(
                    Mutant(source: source, range: token.range.lowerBound..<end, replacement: ";"))
            }
        }
        return mutants
    }

    private static let operators: [String: [String]] = [
        "<": ["<="], "<=": ["<"], ">": [">="], ">=": [">"], "==": ["!="], "!=": ["=="], "&&": ["||"],
        "||": ["&&"], "+": ["-"], "-": ["+"], "*": ["+"], "/": ["*"], "%": ["/"], "+=": ["-=", "="],
        "-=": ["+="], "*=": ["/="], "/=": ["*="], "&": ["|"], "|": ["&"], "^": ["|"], "<<": [">>"],
        ">>": ["<<"], "|=": ["&="], "&=": ["|="],
    ]
    private static let words: [String: String] = [
        "min": "max", "max": "min", "fmin": "fmax", "fmax": "fmin", "INFINITY": "0.0f", "exp": "exp2",
        "exp2": "exp", "sqrt": "fabs", "fabs": "-", "get_global_id": "get_group_id",
    ]
    /// Names after which `*` declares a pointer.
    private static let types: Set<String> = [
        "float", "int", "uint", "long", "void", "double", "ushort", "char", "const", "restrict", "Lanes",
        "Warp",
        "float4", "uint4", "return",
    ]

    private static func replacements(for index: Int, among tokens: [Token]) -> [String] {
        let token = tokens[index]
        switch token.kind {
        case .number: return [number(token.text)]
        case .name: return words[token.text].map { [$0] } ?? []
        case .operation:
            // With one operand only, or in a type, it is something else.
            guard let others = operators[token.text], index > 0, index + 1 < tokens.count else { return [] }
            let before = tokens[index - 1]
            let endsOperand =
                before.kind == .number || (before.kind == .name && !types.contains(before.text))
                || [")", "]"].contains(before.text)
            return endsOperand ? others : []
        case .other: return []
        }
    }

    /// One more; a fraction, half as much again.
    private static func number(_ text: String) -> String {
        if let value = Int(text) { return "\(value + 1)" }
        let digits = text.prefix { !"uUlLfF".contains($0) || text.hasPrefix("0x") }
        let suffix = text.dropFirst(digits.count)
        if let value = Int(digits) { return "\(value + 1)\(suffix)" }
        if text == "0.0f" { return "1.0f" }
        return "(1.5f * \(text))"
    }

    /// The end of a barrier or of the adding to a sum that begins here, which may be left out.
    private static func statement(from index: Int, among tokens: [Token]) -> Int? {
        guard tokens[index].kind == .name, index > 0, [";", "{", "}", ")"].contains(tokens[index - 1].text)
        else { return nil }
        let end = tokens[index...].prefix(40).firstIndex { $0.text == ";" || $0.text == "{" }
        guard let end, tokens[end].text == ";" else { return nil }
        let isBarrier = ["barrier", "warp_barrier", "WAIT"].contains(tokens[index].text)
        let adds = tokens[index..<end].contains { ["+=", "*=", "|="].contains($0.text) }
        return isBarrier || adds ? tokens[end].range.lowerBound + 1 : nil
    }
}

/// The smallest parts of OpenCL C, without comments, directives and attributes.
struct Token {
    enum Kind { case name, number, operation, other }
    let kind: Kind
    let text: String
    let range: Range<Int>

    static func all(in bytes: [UInt8]) -> [Token] {
        var tokens: [Token] = []
        var position = 0
        func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        func end(after start: Int, _ isPart: (UInt8) -> Bool) -> Int {
            bytes[start...].firstIndex { !isPart($0) } ?? bytes.count
        }
        while position < bytes.count {
            let byte = bytes[position]
            let next = position + 1 < bytes.count ? bytes[position + 1] : 0
            if byte == UInt8(ascii: "/"), next == UInt8(ascii: "*") {
                position =
                    bytes[(position + 2)...].indices.dropLast().first {
                        bytes[$0] == UInt8(ascii: "*") && bytes[$0 + 1] == UInt8(ascii: "/")
                    }.map { $0 + 2 } ?? bytes.count
            } else if byte == UInt8(ascii: "#") {
                let line = end(after: position) { $0 != UInt8(ascii: "\n") }
                // What a macro stands for is code; its name and parameters are not.
                guard text(position..<line).hasPrefix("#define") else {
                    position = line
                    continue
                }
                position = end(after: position + 8) { isWord($0) }
                if position < bytes.count, bytes[position] == UInt8(ascii: "(") {
                    position = end(after: position) { $0 != UInt8(ascii: ")") } + 1
                }
            } else if isDigit(byte) || (byte == UInt8(ascii: ".") && isDigit(next)) {
                var last = end(after: position) { isWord($0) || $0 == UInt8(ascii: ".") }
                if bytes[last - 1] == UInt8(ascii: "p") || bytes[last - 1] == UInt8(ascii: "e"),
                    bytes[last] == UInt8(ascii: "-") || bytes[last] == UInt8(ascii: "+")
                {
                    last = end(after: last + 1) { isWord($0) }
                }
                tokens.append(Token(kind: .number, text: text(position..<last), range: position..<last))
                position = last
            } else if isWord(byte) {
                let last = end(after: position) { isWord($0) }
                if text(position..<last) == "__attribute__" {
                    position = end(after: last) { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "{") }
                    continue
                }
                tokens.append(Token(kind: .name, text: text(position..<last), range: position..<last))
                position = last
            } else if byte <= 0x20 || byte == UInt8(ascii: "\\") {
                position += 1
            } else {
                let two = position + 1 < bytes.count ? text(position..<position + 2) : ""
                let three = position + 2 < bytes.count ? text(position..<position + 3) : ""
                let length = ["<<=", ">>="].contains(three) ? 3 : pairs.contains(two) ? 2 : 1
                let range = position..<position + length
                let kind: Kind = singles.contains(byte) || length > 1 ? .operation : .other
                tokens.append(Token(kind: kind, text: text(range), range: range))
                position += length
            }
        }
        return tokens
    }

    private static let pairs: Set = [
        "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=", "/=", "<<", ">>", "|=", "&=", "++", "--", "->",
        "##",
    ]
    private static let singles = Set("+-*/%<>&|^".utf8)
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isWord(_ byte: UInt8) -> Bool {
        isDigit(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || byte == UInt8(ascii: "_")
    }
}
