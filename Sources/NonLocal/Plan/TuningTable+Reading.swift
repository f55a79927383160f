extension TuningTable {
    /// Reads the JSON of a table.
    ///
    /// Not with Foundation's decoder, which traps on some damaged files (6.3.1: `[` 512 times and a byte more).
    ///
    /// - Throws: ``HeaderFailure`` where the text is no such table.
    static func entries(in bytes: [UInt8]) throws -> [Entry] {
        var scanner = HeaderScanner(bytes)
        var entries: [Entry]?
        try scanner.object { scanner, name in
            guard name == "entries" else { return try scanner.skipValue() }
            var found: [Entry] = []
            try scanner.array { found.append(try Entry(&$0)) }
            entries = found
        }
        guard scanner.peek() == nil else { throw scanner.failure("expected the end") }
        guard let entries else { throw HeaderFailure(message: "it has no entries", position: 0) }
        return entries
    }
}

extension TuningTable.Entry {
    fileprivate init(_ scanner: inout HeaderScanner) throws {
        let start = scanner.position
        var texts: [String: String] = [:]
        var numbers: [String: Int] = [:]
        var shapes: [String]?
        var milliseconds: Double?
        try scanner.object { scanner, name in
            switch name {
            case "device", "driver", "kernels": texts[name] = try scanner.string()
            case "side", "quads", "depth": numbers[name] = try scanner.extent("a size")
            case "shapes":
                var found: [String] = []
                try scanner.array { found.append(try $0.string()) }
                shapes = found
            case "milliseconds":
                let text = scanner.numberText()
                milliseconds = Double(text).flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
                if milliseconds == nil { throw scanner.failure("expected a time, found \(text.prefix(40))") }
            default: try scanner.skipValue()
            }
        }
        guard let device = texts["device"], let driver = texts["driver"], let kernels = texts["kernels"],
            let side = numbers["side"], let quads = numbers["quads"], let depth = numbers["depth"],
            let shapes, let milliseconds
        else {
            throw HeaderFailure(
                message:
                    "an entry needs device, driver, kernels, side, quads, depth, shapes and milliseconds",
                position: start)
        }
        self.init(
            device: device, driver: driver, kernels: kernels, side: side, quads: quads, depth: depth,
            shapes: shapes, milliseconds: milliseconds)
    }
}
