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
        var fields = Fields(texts: ["device", "driver", "kernels"], sizes: ["side", "quads", "depth"])
        var warp: [TuningTable.WarpChoice] = []
        try scanner.object { scanner, name in
            guard name == "warp" else { return try fields.read(name, &scanner) }
            try scanner.array { warp.append(try TuningTable.WarpChoice(&$0)) }
        }
        guard let device = fields.text("device"), let driver = fields.text("driver"),
            let kernels = fields.text("kernels"), let side = fields.size("side"),
            let quads = fields.size("quads"), let depth = fields.size("depth"), let shapes = fields.shapes,
            let milliseconds = fields.milliseconds
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
        var fields = Fields(texts: ["arithmetic", "tiling"], sizes: ["width", "values"])
        try scanner.object { scanner, name in try fields.read(name, &scanner) }
        guard let arithmetic = fields.text("arithmetic"), let tiling = fields.text("tiling"),
            let width = fields.size("width"), let values = fields.size("values"), let shapes = fields.shapes,
            let milliseconds = fields.milliseconds
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

/// What has been read of an object with texts, sizes, and what was timed.
private struct Fields {
    private let textNames: Set<String>
    private let sizeNames: Set<String>
    private var texts: [String: String] = [:]
    private var sizes: [String: Int] = [:]
    private(set) var shapes: [String]?
    private(set) var milliseconds: Double?

    init(texts: Set<String>, sizes: Set<String>) { (textNames, sizeNames) = (texts, sizes) }

    func text(_ name: String) -> String? { texts[name] }
    func size(_ name: String) -> Int? { sizes[name] }

    /// Reads the value of a name, or skips that of one that isn't known.
    mutating func read(_ name: String, _ scanner: inout HeaderScanner) throws {
        switch name {
        case "shapes": shapes = try scanner.strings()
        case "milliseconds": milliseconds = try scanner.time()
        case _ where textNames.contains(name): texts[name] = try scanner.string()
        case _ where sizeNames.contains(name): sizes[name] = try scanner.extent("a size")
        default: try scanner.skipValue()
        }
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
