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
            for (index, result) in input.results.enumerated() where result != .residual {
                compareProjection(input, index, result)
            }
        }
        if problem.sumsAttention(method) {
            if problem.sumsScores(method) { compareScores() }
            compareNormalizer()
            if method.aggregated == .g { compareAggregate() } else { compareAbsorbedResult() }
        }
        if problem.computesOutput(method), method.aggregated == .g { compareResult() }
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

    private mutating func compareProjection(_ input: SumInput, _ index: Int, _ result: Summed) {
        let (map, limit) = (input.maps.maps[index], input.maps.limits[index])
        let positions = problem.sumSize(input.table, method).positions
        let (expected, squares) = (
            row(input.table, input.row + index), row(input.table, input.row + input.maps.maps.count)
        )
        let parts = actual(result)
        let floor = Tolerance.signed(map.outputs, norm: map.biasSquares.squareRoot())
        compare(Self.stage(result), positions) { n in
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

    private static func stage(_ summed: Summed) -> Mismatch.Stage {
        switch summed {
        case .theta: .thetaSum
        case .phi: .phiSum
        case .g: .gSum
        case .absorbedPhi, .scoreBias: .absorbedThetaSum
        case .absorbedG: .absorbedOutputSum
        case .residual: .resultSum
        }
    }

    /// The sums of what a map made, of each part of its channels.
    private func actual(
        _ summed: Summed
    ) -> [(sum: UnsafeBufferPointer<Float>, squares: UnsafeBufferPointer<Float>)] {
        func pair(_ table: SumTable, _ first: Int, squaresAfter: Int = 1)
            -> (sum: UnsafeBufferPointer<Float>, squares: UnsafeBufferPointer<Float>)
        {
            (row(table, first), row(table, first + squaresAfter))
        }
        switch summed {
        case .theta:
            return [
                pair(.queries, SumRow.theta, squaresAfter: problem.sumsScores(method) ? 2 : 1)
            ]
        case .phi where problem.sumsWhole(.phi, method): return [pair(.projected, SumRow.wholePhi)]
        case .g where problem.sumsWhole(.g, method): return [pair(.projected, SumRow.wholeG)]
        case .scoreBias: return [pair(.keys, problem.absorbedSums(method) + SumRow.scoreBias)]
        case .phi, .absorbedPhi:
            let isPacked = summed == .absorbedPhi || problem.route(of: .phi, method) == .projected
            return (0..<(isPacked ? problem.sumParts(method) : 1)).map {
                pair(.keys, SumRow.phi + 2 * $0)
            }
        case .g, .absorbedG: return [pair(.keys, SumRow.g)]
        case .residual: return []
        }
    }
}
