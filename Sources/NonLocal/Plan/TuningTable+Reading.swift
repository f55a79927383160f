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
        var warp: [TuningTable.WarpChoice] = []
        try scanner.object { scanner, name in
            switch name {
            case "device", "driver", "kernels": texts[name] = try scanner.string()
            case "side", "quads", "depth": numbers[name] = try scanner.extent("a size")
            case "shapes": shapes = try scanner.strings()
            case "milliseconds": milliseconds = try scanner.time()
            case "warp": try scanner.array { warp.append(try TuningTable.WarpChoice(&$0)) }
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
            shapes: shapes, milliseconds: milliseconds, warp: warp)
    }
}

extension TuningTable.WarpChoice {
    fileprivate init(_ scanner: inout HeaderScanner) throws {
        let start = scanner.position
        var texts: [String: String] = [:]
        var numbers: [String: Int] = [:]
        var shapes: [String]?
        var milliseconds: Double?
        try scanner.object { scanner, name in
            switch name {
            case "arithmetic", "tiling": texts[name] = try scanner.string()
            case "width", "values": numbers[name] = try scanner.extent("a size")
            case "shapes": shapes = try scanner.strings()
            case "milliseconds": milliseconds = try scanner.time()
            default: try scanner.skipValue()
            }
        }
        guard let arithmetic = texts["arithmetic"], let tiling = texts["tiling"],
            let width = numbers["width"], let values = numbers["values"], let shapes, let milliseconds
        else {
            throw HeaderFailure(
                message: "a tiling needs arithmetic, width, values, tiling, shapes and milliseconds",
                position: start)
        }
        self.init(
            arithmetic: arithmetic, width: width, values: values, tiling: tiling, shapes: shapes,
            milliseconds: milliseconds)
    }
}

extension HeaderScanner {
    fileprivate mutating func strings() throws -> [String] {
        var found: [String] = []
        try array { found.append(try $0.string()) }
        return found
    }

    fileprivate mutating func time() throws -> Double {
        let text = numberText()
        guard let number = Double(text), number.isFinite, number >= 0 else {
            throw failure("expected a time, found \(text.prefix(40))")
        }
        return number
    }
}
