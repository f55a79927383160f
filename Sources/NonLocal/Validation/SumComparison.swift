/// Compares the sums of a run with each other, and remembers the first stage that is wrong, where it is worst.
///
/// A sum says nothing where what is expected or its tolerance is no number: behind NaN or infinity in x, and where
/// squares are beyond float32. Where they are numbers, the sum has to be one. What is under test never widens a tolerance
/// beyond what it could be if it were right.
struct SumComparison {
    /// Sums compared.
    private(set) var count = 0
    /// The largest difference relative to its tolerance.
    private(set) var largestError = 0.0
    private(set) var mismatch: Mismatch?

    let sums: BlockSums
    private let slice: SumCopies.Slice
    private let item: Int
    var problem: BlockProblem { sums.problem }
    var method: Method { sums.method }

    /// All sums of a run.
    static func of(_ copies: SumCopies) throws -> (count: Int, largestError: Double, mismatch: Mismatch?) {
        var (count, largestError, mismatch): (Int, Double, Mismatch?) = (0, 0, nil)
        guard let sums = copies.sums else { return (0, 0, nil) }
        for slice in try copies.complete() {
            for item in slice.items {
                var comparison = SumComparison(sums, slice, item)
                comparison.compare()
                count += comparison.count
                largestError = max(largestError, comparison.largestError)
                mismatch = mismatch ?? comparison.mismatch
            }
        }
        return (count, largestError, mismatch)
    }

    private init(_ sums: BlockSums, _ slice: SumCopies.Slice, _ item: Int) {
        self.sums = sums
        self.slice = slice
        self.item = item
    }

    private mutating func compare() {
        for input in sums.inputs {
            for (index, role) in input.roles.enumerated() where role != .output {
                compareProjection(input, index, role)
            }
        }
        if problem.sumsAttention(method) {
            if problem.sumsScores(method) { compareScores() }
            compareNormalizer()
            if method.absorbed.contains(.output) { compareAbsorbedResult() } else { compareAggregate() }
        }
        if problem.computesOutput(method), !method.absorbed.contains(.output) { compareResult() }
    }

    /// Takes an expected and an actual sum of each position, and the tolerance.
    mutating func compare(
        _ stage: Mismatch.Stage, _ positions: Int,
        _ sum: (Int) -> (expected: Double, actual: Double, tolerance: Double)
    ) {
        guard mismatch == nil else { return }
        for position in 0..<positions {
            let (expected, actual, tolerance) = sum(position)
            guard expected.isFinite, tolerance.isFinite else { continue }
            count += 1
            let error = (actual - expected).magnitude
            guard error > 0 || error.isNaN else { continue }
            let share = error.isNaN ? .infinity : error / tolerance
            guard share > largestError else { continue }
            largestError = share
            if share <= 1 { continue }
            mismatch = Mismatch(
                stage: stage, item: item, row: position, channel: 0, expected: expected, actual: actual,
                relativeError: error, tolerance: tolerance)
        }
    }

    func row(_ table: SumTable, _ row: Int) -> UnsafeBufferPointer<Float> {
        slice.row(table, row, item: item, problem.sumSize(table, method))
    }

    private mutating func compareProjection(_ input: SumInput, _ index: Int, _ role: BufferRole) {
        let (map, limit) = (input.maps.maps[index], input.maps.limits[index])
        let positions = problem.sumSize(input.table, method).positions
        let (expected, squares) = (
            row(input.table, input.row + index), row(input.table, input.row + input.maps.maps.count)
        )
        let parts = actual(role)
        let floor = Tolerance.signed(map.outputs, norm: map.biasSquares.squareRoot())
        compare(Self.stage(role), positions) { n in
            var (actual, actualSquares): (Double, Float) = (0, 0)
            for part in parts {
                actual += Double(part.sum[n])
                actualSquares += part.squares[n]
            }
            let norm = limit.squareRoot() * Tolerance.norm(squares[n], terms: map.inputs)
            let most = Double(map.inputs).squareRoot() * norm + map.biasSquares.squareRoot()
            return (
                Double(expected[n]) + map.bias, actual,
                Tolerance.products(map.inputs, norm: norm) + floor
                    + Tolerance.signed(
                        map.outputs,
                        norm: Tolerance.norm(actualSquares, terms: map.outputs, atMost: most))
            )
        }
    }

    private static func stage(_ role: BufferRole) -> Mismatch.Stage {
        switch role {
        case .theta: .thetaSum
        case .phi: .phiSum
        case .packedPhi, .scoreBias: .absorbedThetaSum
        case .packedG: .absorbedOutputSum
        default: .gSum
        }
    }

    /// The sums of what a projection made, of each part of its channels.
    private func actual(
        _ role: BufferRole
    ) -> [(sum: UnsafeBufferPointer<Float>, squares: UnsafeBufferPointer<Float>)] {
        func pair(_ table: SumTable, _ first: Int, squaresAfter: Int = 1)
            -> (sum: UnsafeBufferPointer<Float>, squares: UnsafeBufferPointer<Float>)
        {
            (row(table, first), row(table, first + squaresAfter))
        }
        switch role {
        case .theta:
            return [
                pair(.queries, SumRow.theta, squaresAfter: problem.sumsScores(method) ? 2 : 1)
            ]
        case .phi where problem.sumsWhole(.phi, method): return [pair(.projected, SumRow.wholePhi)]
        case .g where problem.sumsWhole(.g, method): return [pair(.projected, SumRow.wholeG)]
        case .scoreBias: return [pair(.keys, problem.absorbedSums(method) + SumRow.scoreBias)]
        case .phi, .packedPhi:
            let isPacked = role == .packedPhi || problem.route(of: .phi, method) == .projected
            return (0..<(isPacked ? problem.sumParts(method) : 1)).map {
                pair(.keys, SumRow.phi + 2 * $0)
            }
        default: return [pair(.keys, SumRow.g)]
        }
    }

    private mutating func compareResult() {
        let (map, limit) = (sums.output.maps[0], sums.output.limits[0])
        let expected = row(.queries, SumRow.aggregate + 1), squares = row(.queries, SumRow.aggregate + 2)
        let (actual, actualSquares) = (row(.queries, SumRow.result), row(.queries, SumRow.result + 1))
        let residual = residual
        let floor = Tolerance.signed(map.outputs, norm: map.biasSquares.squareRoot())
        compare(.resultSum, actual.count) { n in
            let added = residual(n)
            let norm = limit.squareRoot() * Tolerance.norm(squares[n], terms: map.inputs)
            let most =
                Double(map.inputs).squareRoot() * norm + map.biasSquares.squareRoot() + added.norm
            return (
                Double(expected[n]) + map.bias + added.sum, Double(actual[n]),
                Tolerance.products(map.inputs, norm: norm) + floor
                    + Tolerance.signed(
                        map.outputs,
                        norm: added.norm
                            + Tolerance.norm(actualSquares[n], terms: map.outputs, atMost: most))
            )
        }
    }

    /// Σ_c v_c x_c of a position, and ‖x‖, as far as a residual is added; zeros without one.
    var residual: (Int) -> (sum: Double, norm: Double) {
        let channels = problem.geometry.channels
        func of(_ sum: UnsafeBufferPointer<Float>, _ squares: UnsafeBufferPointer<Float>, limit: Double)
            -> (Int) -> (sum: Double, norm: Double)
        {
            { (Double(sum[$0]), limit.squareRoot() * Tolerance.norm(squares[$0], terms: channels)) }
        }
        guard problem.configuration.residual else { return { _ in (0, 0) } }
        if problem.comparesResidual(method) {
            return of(row(.queries, SumRow.theta), row(.queries, SumRow.theta + 2), limit: 1)
        }
        for input in sums.inputs {
            guard let index = input.roles.firstIndex(of: .output) else { continue }
            return of(
                row(input.table, input.row + index), row(input.table, input.row + input.maps.maps.count),
                limit: input.maps.limits[index])
        }
        return { _ in (0, 0) }
    }
}
