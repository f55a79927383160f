import NonLocal

/// Work to be timed.
struct Workload {
    let shape: [Int]
    let plan: Plan
    /// Runs once. The result is let go, so that the next one may take its memory.
    let run: () throws -> RunReport
}

/// How long a workload took.
struct Timing {
    let shape: [Int]
    let plan: Plan
    let runs: Int
    let medianSeconds: Double
    let leastSeconds: Double
    /// The median of the kernels' time; none for the reference.
    let deviceSeconds: Double?
    /// The median of each kernel's time in a run, the longest first; empty for the reference.
    let kernels: [(name: String, seconds: Double)]
    /// The device's peak in float32 without tensor cores, in 10⁹ operations a second; none for the reference.
    let roof: Double?
    /// The share of key blocks that the last run computed; none where none may be left out.
    let computedShare: Double?
    /// What the last run kept operands in.
    let precision: Precision
    /// Of the last run that was looked at, if any was: a device with memory of its own has few.
    let validation: ValidationReport
    /// The median of what comparing a result took, where one was compared, which is not part of the other times.
    let validationSeconds: Double

    private static let mostRuns = 500
    private static let leastRuns = 5
    private static let leastReadings = 5
    private static let patience = 2.0
    /// Seconds of runs from one reading of the roof to the next: a reading leaves nothing of theirs in caches
    /// and the device's threads asleep, which short runs would be measured by.
    private static let turn = 0.01

    /// Runs once to warm up, then as often as asked for, or until at least 5 runs and 2 seconds, or 500 runs,
    /// are over. Between runs the roof is measured, at least 5 times; the best reading counts.
    init(_ workload: Workload, runs: Int?, roof: Roof?) throws {
        var last = try workload.run()
        var results: [(wall: Double, device: Double?)] = []
        var validations = [last.validation]
        var kernelSeconds: [String: [Double]] = [:]
        var total = 0.0
        var peaks: [Double] = []
        func goesOn() -> Bool {
            if let runs { return results.count < runs }
            return results.count < Self.leastRuns
                || (total < Self.patience && results.count < Self.mostRuns)
        }
        var sinceReading = Self.turn
        while goesOn() {
            if let roof, sinceReading >= Self.turn {
                peaks.append(try roof.reading())
                sinceReading = 0
            }
            last = try workload.run()
            sinceReading += last.seconds
            results.append((last.seconds, last.deviceSeconds))
            validations.append(last.validation)
            for (kernel, seconds) in last.kernelSeconds { kernelSeconds[kernel, default: []].append(seconds) }
            total += last.seconds
        }
        while let roof, peaks.count < Self.leastReadings { peaks.append(try roof.reading()) }

        let walls = results.map(\.wall).sorted()
        let devices = results.compactMap(\.device).sorted()
        shape = workload.shape
        plan = workload.plan
        self.runs = results.count
        medianSeconds = walls[walls.count / 2]
        leastSeconds = walls[0]
        deviceSeconds = devices.isEmpty ? nil : devices[devices.count / 2]
        kernels = kernelSeconds.map { ($0.key, $0.value.sorted()[$0.value.count / 2]) }
            .sorted { ($1.seconds, $0.name) < ($0.seconds, $1.name) }
        self.roof = peaks.max().map { $0 / 1e9 }
        computedShare = last.computedShare
        precision = last.precision ?? plan.precision
        let looked = validations.filter { $0.rows + $0.sums > 0 }
        validation = looked.last ?? last.validation
        // The first one reads weights that no cache has yet.
        let seconds = (looked.count > 1 ? looked.dropFirst() : looked[...]).map(\.seconds).sorted()
        validationSeconds = seconds.isEmpty ? 0 : seconds[seconds.count / 2]
    }

    private var executed: Double { plan.executedOperations(computedShare: computedShare) }
    private var gflops: Double { plan.textbookOperations / medianSeconds / 1e9 }
    private var percentOfRoof: Double? {
        roof.map { executed / medianSeconds / 1e9 / $0 * 100 }
    }

    static let heading = [
        "shape", "strategy", "median ms", "min ms", "device ms", "GFLOP", "GFLOP/s", "% of roof",
        "largest error",
    ]

    var row: [String] {
        [
            ShapeOption(extents: shape).description,
            plan.strategy.rawValue + (plan.absorbed == nil ? "" : ", absorbed"),
            (medianSeconds * 1e3).fixed(3),
            (leastSeconds * 1e3).fixed(3), deviceSeconds.map { ($0 * 1e3).fixed(3) } ?? "–",
            (plan.textbookOperations / 1e9).fixed(3), gflops.fixed(1), percentOfRoof?.fixed(1) ?? "–",
            validation.maxRelativeError?.scientific ?? "–",
        ]
    }

    static let kernelHeading = ["shape", "kernel", "median ms", "% of device"]

    /// A row for each kernel.
    var kernelRows: [[String]] {
        let total = kernels.reduce(0) { $0 + $1.seconds }
        return kernels.map { kernel in
            [
                ShapeOption(extents: shape).description, kernel.name, (kernel.seconds * 1e3).fixed(4),
                total > 0 ? (kernel.seconds / total * 100).fixed(1) : "–",
            ]
        }
    }

    var json: JSON {
        .object([
            "shape": .shape(shape),
            "backend": .string(plan.backend),
            "device": .string(plan.device),
            "strategy": .string(plan.strategy.rawValue),
            "absorbed": .string(plan.absorbed),
            "precision": .string(precision.rawValue),
            "runs": .integer(runs),
            "validated_rows": .integer(validation.rows),
            "validation_ms": .number(
                validation.rows + validation.sums > 0 ? validationSeconds * 1e3 : nil),
            "validated_sums": .integer(validation.sums),
            "max_rel_error": .number(validation.maxRelativeError),
            "median_ms": .number(medianSeconds * 1e3),
            "min_ms": .number(leastSeconds * 1e3),
            "device_ms": .number(deviceSeconds.map { $0 * 1e3 }),
            "kernels": .table(kernels.map { (name: $0.name, value: $0.seconds * 1e3) }),
            "gflops": .number(gflops),
            "textbook_gflop": .number(plan.textbookOperations / 1e9),
            "executed_gflop": .number(executed / 1e9),
            "computed_share": .number(computedShare),
            "roof_gflops": .number(roof),
            "roof_arithmetic": .string(roof == nil ? nil : "float32, no tensor cores"),
            "percent_of_roof": .number(percentOfRoof),
        ])
    }
}
