import Foundation

/// A value of JSON, with the members of objects in the order they were given.
indirect enum JSON {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSON])
    case object(KeyValuePairs<String, JSON>)
    /// An object whose members are known only when it is made.
    case table([(name: String, value: Double)])

    static func number(_ value: Double?) -> JSON { value.map { .number($0) } ?? .null }
    static func string(_ value: String?) -> JSON { value.map { .string($0) } ?? .null }
    static func shape(_ shape: [Int]) -> JSON { .array(shape.map(JSON.integer)) }
}

extension JSON: CustomStringConvertible {
    /// Objects and arrays of objects a member a line, all else in one line.
    var description: String { text(indentation: "") }

    private func text(indentation: String) -> String {
        let inner = indentation + "  "
        switch self {
        case .null: return "null"
        case .bool(let value): return "\(value)"
        case .integer(let value): return "\(value)"
        // JSON knows neither infinity nor NaN.
        case .number(let value): return value.isFinite ? "\(value)" : "null"
        case .string(let value): return Self.quoted(value)
        case .array(let elements):
            guard elements.contains(where: \.isObject) else {
                return "[" + elements.map { $0.text(indentation: inner) }.joined(separator: ", ") + "]"
            }
            let lines = elements.map { inner + $0.text(indentation: inner) }
            return "[\n\(lines.joined(separator: ",\n"))\n\(indentation)]"
        case .object(let members):
            let lines = members.map { "\(inner)\(Self.quoted($0)): \($1.text(indentation: inner))" }
            return "{\n\(lines.joined(separator: ",\n"))\n\(indentation)}"
        case .table(let members):
            let texts = members.map { "\(Self.quoted($0.name)): \(JSON.number($0.value))" }
            return "{\(texts.joined(separator: ", "))}"
        }
    }

    private var isObject: Bool { if case .object = self { true } else { false } }

    private static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case "\n": "\\n"
            case ..<" ", "\u{7f}": String(format: "\\u%04x", scalar.value)
            default: String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }
}
