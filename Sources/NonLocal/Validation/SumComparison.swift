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

    private let sums: BlockSums
    private let slice: SumCopies.Slice
    private let item: Int
    private var problem: BlockProblem { sums.problem }
    private var method: Method { sums.method }

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
            compareAggregate()
        }
        if problem.computesOutput(method) { compareResult() }
    }

    /// Takes an expected and an actual sum of each position, and the tolerance.
    private mutating func compare(
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

    private func row(_ table: SumTable, _ row: Int) -> UnsafeBufferPointer<Float> {
        slice.row(table, row, item: item, problem.sumSize(table, method))
    }

    private mutating func compareProjection(_ input: BlockSums.Input, _ index: Int, _ role: BufferRole) {
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
        case .phi where problem.poolsProjections: return [pair(.projected, SumRow.wholePhi)]
        case .g where problem.poolsProjections: return [pair(.projected, SumRow.wholeG)]
        case .phi:
            let isPacked = problem.route(of: .phi, method) == .projected
            return (0..<(isPacked ? problem.sumParts(method) : 1)).map {
                pair(.keys, SumRow.phi + 2 * $0)
            }
        default: return [pair(.keys, SumRow.g)]
        }
    }

    private func attention(_ sum: AttentionSum) -> UnsafeBufferPointer<Float> {
        row(.queries, SumRow.attention + sum.rawValue)
    }

    private mutating func compareScores() {
        let (width, keys) = (problem.width, problem.geometry.keys.count)
        let queries = problem.geometry.queries
        let expected = row(.queries, SumRow.theta + 1), squares = row(.queries, SumRow.theta + 2)
        let (scores, scoreSquares) = (attention(.scores), attention(.scoreSquares))
        // Of each group the largest |Σ_j φ_cj| and √Σ_j φ_cj² of any channel.
        let largest = (0..<problem.geometry.keys.groups).map { group in
            let sums = row(.channels, SumRow.ofChannels * group + 1)
            let squares = row(.channels, SumRow.ofChannels * group + 3)
            return (
                sum: sums.reduce(0) { max($0, Double($1.magnitude)) },
                norm: Tolerance.norm(squares.max() ?? 0, terms: keys)
            )
        }
        compare(.affinitySum, scores.count) { n in
            let theta = Tolerance.norm(squares[n], terms: width)
            let phi = largest[queries.place(of: n).group]
            return (
                Double(expected[n]), Double(scores[n]),
                Tolerance.products(width, norm: theta * (phi.norm + phi.sum))
                    + Tolerance.products(
                        keys,
                        norm: theta * phi.norm
                            + Tolerance.norm(
                                scoreSquares[n], terms: keys,
                                atMost: Double(width).squareRoot() * theta * phi.norm))
            )
        }
    }

    private mutating func compareNormalizer() {
        let keys = problem.geometry.keys.count
        let weights = attention(.weights)
        if method.strategy == .fused {
            let (normalizer, scores) = (attention(.normalizer), attention(.scores))
            compare(.weightSum, weights.count) { n in
                let sum = Double(weights[n])
                // No finite score gives a weight that is none, and the greatest is 1.
                if !sum.isFinite, scores[n].isFinite { return (1, sum, 0) }
                return (
                    sum, Double(normalizer[n]),
                    2 * Tolerance.products(keys, norm: sum.magnitude.squareRoot())
                        + Tolerance.signed(keys, norm: sum.magnitude)
                )
            }
        } else if [.softmax, .sum].contains(problem.configuration.pairwise.formulation.normalizer) {
            let (squares, scores) = (attention(.weightSquares), attention(.scores))
            let isSoftmax = problem.configuration.pairwise.formulation.normalizer == .softmax
            compare(.weightSum, weights.count) { n in
                // Of a softmax no weight is above 1; of others nothing is known but that they sum up to it.
                let most: Double = isSoftmax && scores[n].isFinite ? 1 : .infinity
                return (
                    1, Double(weights[n]),
                    2
                        * Tolerance.products(
                            keys, norm: Tolerance.norm(squares[n], terms: keys, atMost: most))
                        + Tolerance.signed(keys, norm: 1)
                )
            }
        }
    }

    private mutating func compareAggregate() {
        let (keys, values) = (problem.geometry.keys.count, problem.configuration.valueChannels)
        let queries = problem.geometry.queries
        let (g, gSquares) = (row(.keys, SumRow.g), row(.keys, SumRow.g + 1))
        // Of each group the largest norm of g, or sum, of any key.
        var largest = [Double](repeating: 0, count: problem.geometry.keys.groups)
        for key in g.indices {
            let group = problem.geometry.keys.place(of: key).group
            let norm = max(
                Tolerance.norm(gSquares[key], terms: values), Double(g[key].magnitude))
            largest[group] = norm.isNaN || largest[group].isNaN ? .nan : max(largest[group], norm)
        }
        let isFused = method.strategy == .fused
        let (weighted, weights, squares) = (
            attention(.weighted), attention(.weights), attention(.weightSquares)
        )
        let normalizer = attention(.normalizer)
        let (actual, actualSquares) = (row(.queries, SumRow.aggregate), row(.queries, SumRow.aggregate + 2))
        compare(.aggregateSum, actual.count) { n in
            let divisor = isFused ? Double(normalizer[n]) : 1
            let expected = Double(weighted[n]) / divisor
            // No weight is above 1, so that their squares' sum is not above their own.
            let weightNorm =
                isFused
                ? Double(weights[n]).squareRoot() / divisor : Tolerance.norm(squares[n], terms: keys)
            let norm = weightNorm * largest[queries.place(of: n).group]
            return (
                expected, Double(actual[n]),
                2 * Tolerance.products(keys, norm: norm) + Tolerance.signed(values, norm: norm)
                    + Tolerance.signed(keys, norm: expected.magnitude)
                    + Tolerance.signed(
                        values,
                        norm: Tolerance.norm(
                            actualSquares[n], terms: values, atMost: Double(keys).squareRoot() * norm))
            )
        }
    }

    private mutating func compareResult() {
        let (map, limit) = (sums.output.maps[0], sums.output.limits[0])
        let expected = row(.queries, SumRow.aggregate + 1), squares = row(.queries, SumRow.aggregate + 2)
        let (actual, actualSquares) = (row(.queries, SumRow.result), row(.queries, SumRow.result + 1))
        let residual = sums.inputs.compactMap { input in
            input.roles.firstIndex(of: .output).map { index in
                (
                    sum: self.row(input.table, input.row + index),
                    squares: self.row(input.table, input.row + input.maps.maps.count),
                    limit: input.maps.limits[index]
                )
            }
        }.first
        let floor = Tolerance.signed(map.outputs, norm: map.biasSquares.squareRoot())
        compare(.resultSum, actual.count) { n in
            let added = residual.map { Double($0.sum[n]) } ?? 0
            let input = residual.map {
                $0.limit.squareRoot() * Tolerance.norm($0.squares[n], terms: map.outputs)
            }
            let norm = limit.squareRoot() * Tolerance.norm(squares[n], terms: map.inputs)
            let most =
                Double(map.inputs).squareRoot() * norm + map.biasSquares.squareRoot() + (input ?? 0)
            return (
                Double(expected[n]) + map.bias + added, Double(actual[n]),
                Tolerance.products(map.inputs, norm: norm) + floor
                    + Tolerance.signed(
                        map.outputs,
                        norm: (input ?? 0)
                            + Tolerance.norm(actualSquares[n], terms: map.outputs, atMost: most))
            )
        }
    }
}
