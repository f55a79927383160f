/// Sums that attention gives out, those of what it makes y of, and those of y.
extension SumComparison {
    private func attention(_ sum: AttentionSum) -> UnsafeBufferPointer<Float> {
        row(.queries, SumRow.attention + sum.rawValue)
    }

    mutating func compareScores() {
        let (width, keys) = (problem.attentionSizes(method).width, problem.geometry.keys.count)
        let queries = problem.geometry.queries
        let biases = biases()
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
            let group = queries.place(of: n).group
            let (phi, added) = (largest[group], biases[group])
            return (
                Double(expected[n]) + added.sum, Double(scores[n]),
                Tolerance.products(width, norm: theta * (phi.norm + phi.sum))
                    + Tolerance.products(
                        keys,
                        norm: theta * phi.norm
                            + Tolerance.norm(
                                scoreSquares[n], terms: keys,
                                atMost: Double(width).squareRoot() * theta * phi.norm + added.norm))
            )
        }
    }

    /// Σ_j b_j of each group, what is added to its scores, and √Σ_j b_j²; zeros without a bias.
    private func biases() -> [(sum: Double, norm: Double)] {
        let keys = problem.geometry.keys
        var sums = [(sum: Double, squares: Double)](repeating: (0, 0), count: keys.groups)
        guard method.compared == .absorbedPhi else { return sums.map { _ in (0, 0) } }
        let first = problem.absorbedSums(method) + SumRow.scoreBias
        let (values, squares) = (row(.keys, first), row(.keys, first + 1))
        let sign = Double(SummedMap.signs(1)[0])
        for key in values.indices {
            let group = keys.place(of: key).group
            sums[group].sum += sign * Double(values[key])
            sums[group].squares += Double(squares[key])
        }
        return sums.map { ($0.sum, $0.squares.squareRoot()) }
    }

    mutating func compareNormalizer() {
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

    mutating func compareAggregate() {
        let values = problem.configuration.valueChannels
        let aggregate = aggregates()
        let (actual, squares) = (row(.queries, SumRow.aggregate), row(.queries, SumRow.aggregate + 2))
        compare(.aggregateSum, actual.count) { n in
            let (expected, tolerance, most) = aggregate(n)
            return (
                expected, Double(actual[n]),
                tolerance
                    + Tolerance.signed(values, norm: Tolerance.norm(squares[n], terms: values, atMost: most))
            )
        }
    }

    /// Of each query Σ_j p_ij Σ_c v_c g_jc over what y is divided by, its tolerance, and the largest that ‖y‖ can be; g is
    /// what attention sums.
    func aggregates() -> (Int) -> (expected: Double, tolerance: Double, most: Double) {
        let (keys, values) = (problem.geometry.keys.count, problem.attentionSizes(method).valueChannels)
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
        return { [largest] n in
            let divisor = isFused ? Double(normalizer[n]) : 1
            let expected = Double(weighted[n]) / divisor
            // No weight is above 1, so that their squares' sum is not above their own.
            let weightNorm =
                isFused
                ? Double(weights[n]).squareRoot() / divisor : Tolerance.norm(squares[n], terms: keys)
            let norm = weightNorm * largest[queries.place(of: n).group]
            return (
                expected,
                2 * Tolerance.products(keys, norm: norm) + Tolerance.signed(values, norm: norm)
                    + Tolerance.signed(keys, norm: expected.magnitude),
                Double(keys).squareRoot() * norm
            )
        }
    }
}
