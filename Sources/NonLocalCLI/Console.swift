import Foundation

/// Where the command's text goes: results to stdout, everything else to stderr.
enum Console {
    static func result(_ text: String) { write(text + "\n", to: .standardOutput) }

    static func result(_ json: JSON) { result(json.description) }

    static func note(_ text: String) { write(text + "\n", to: .standardError) }

    /// Text on stderr that is no line.
    static func progress(_ text: String) { write(text, to: .standardError) }

    static func error(_ text: String) { note("nonlocal: \(text)") }

    private static func write(_ text: String, to handle: FileHandle) {
        try? handle.write(contentsOf: Data(text.utf8))
    }

    /// Rows as columns of equal width; the first row is the heading.
    static func table(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}

extension Double {
    /// With so many decimals.
    func fixed(_ decimals: Int) -> String { String(format: "%.\(decimals)f", self) }

    /// With three significant digits and an exponent, such as 1.25e-07.
    var scientific: String { String(format: "%.2e", self) }
}
