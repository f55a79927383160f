import SwiftOpenCL

extension VerificationProblems {
    /// A kernel problem: `body` enqueues the kernel and returns where its result is and what it should be.
    ///
    /// - Parameter terms: how many terms the longest sum has; 0 for results that are exact.
    func problem(
        _ family: String, _ problem: String, terms: Int,
        _ body: @escaping (Launcher) throws -> (Buffer<Float>, [Double])
    ) -> Problem {
        Problem(family: family, problem: problem) { [session] in
            let launcher = session.launcher()
            let (target, expected) = try body(launcher)
            try launcher.finish()
            let actual = try session.queue.read(target)
            let scale = expected.reduce(0) { $1.isFinite ? max($0, $1.magnitude) : $0 }
            var (worst, largest) = (0, 0.0)
            for (index, (expected, actual)) in zip(expected, actual).enumerated() {
                let difference = expected == Double(actual) ? 0 : (expected - Double(actual)).magnitude
                let error =
                    difference.isNaN ? Double.infinity : difference / max(scale, .leastNormalMagnitude)
                if error > largest { (worst, largest) = (index, error) }
            }
            // A sum of n terms of either sign; four roundings beside it, for exp and division.
            let tolerance = terms == 0 ? 0 : Tolerance.rounding * (8 + 2 * Double(terms).squareRoot())
            let message = "element \(worst): expected \(expected[worst]), actual \(actual[worst])"
            return (largest, tolerance, largest > tolerance ? message : nil)
        }
    }

    /// A problem that turns the scores of each row, in place, into something else.
    func column(
        _ family: String, _ keys: Int, _ rows: Int,
        launch: @escaping (Launcher, Buffer<Float>, RowBlock) throws -> Void,
        expected: @escaping ([Double]) -> [Double]
    ) -> Problem {
        problem(family, "\(keys) keys, \(rows) rows", terms: keys) { launcher in
            let s = values(2, keys, rows)
            let target = try Buffer(session.context, copying: s)
            let block = RowBlock(firstGroup: 0, groups: 2, firstRow: 0, rows: rows, keys: keys)
            try launch(launcher, target, block)
            var result = [Double](repeating: 0, count: s.count)
            for item in 0..<2 {
                for row in 0..<rows {
                    let at = (0..<keys).map { (item * keys + $0) * rows + row }
                    for (index, value) in zip(at, expected(at.map { Double(s[$0]) })) {
                        result[index] = value
                    }
                }
            }
            return (target, result)
        }
    }

    /// Reproducible numbers of magnitude about 1, `[items, rows, columns]`.
    func values(_ items: Int, _ rows: Int, _ columns: Int) -> [Float] {
        var generator = SplitMix64(seed: UInt64(items * 7919 + rows * 104_729 + columns))
        return (0..<items * rows * columns).map { _ in Float.random(in: -2...2, using: &generator) }
    }

    func buffer(count: Int) throws -> Buffer<Float> { try Buffer(session.context, count: count) }

    func view(_ values: [Float], _ channels: Int, _ positions: Int) throws -> View {
        View(try Buffer(session.context, copying: values), channels: channels, positions: positions)
    }

    func field(_ values: [Float], _ item: Int, _ channels: Int, _ positions: Int) -> Field {
        var field = Field(channels: channels, positions: positions)
        let size = channels * positions
        field.values = values[item * size..<(item + 1) * size].map(Double.init)
        return field
    }

    /// One number for each of rows × columns.
    func pairs(_ rows: Int, _ columns: Int, _ value: (Int, Int) -> Double) -> [Double] {
        (0..<rows).flatMap { row in (0..<columns).map { value(row, $0) } }
    }
}
