/// Sums of z, which W_z made of y or attention of W_z g, and of the residual.
extension SumComparison {
    mutating func compareResult() {
        let (map, limit) = (sums.output.maps[0], sums.output.limits[0])
        let expected = row(.queries, SumRow.aggregate + 1), squares = row(.queries, SumRow.aggregate + 2)
        let (actual, actualSquares) = (row(.queries, SumRow.result), row(.queries, SumRow.result + 1))
        let residual = residuals()
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

    /// Where W_z is applied to the keys, so that z is what is aggregated and x.
    mutating func compareAbsorbedResult() {
        let channels = problem.geometry.channels
        let (aggregate, residual) = (aggregates(), residuals())
        let (actual, squares) = (row(.queries, SumRow.result), row(.queries, SumRow.result + 1))
        compare(.resultSum, actual.count) { n in
            let ((expected, tolerance, most), added) = (aggregate(n), residual(n))
            return (
                expected + added.sum, Double(actual[n]),
                tolerance
                    + Tolerance.signed(
                        channels,
                        norm: added.norm
                            + Tolerance.norm(squares[n], terms: channels, atMost: most + added.norm))
            )
        }
    }

    /// Σ_c v_c x_c of a position, and ‖x‖, as far as a residual is added; zeros without one.
    private func residuals() -> (Int) -> (sum: Double, norm: Double) {
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
            guard let index = input.results.firstIndex(of: .residual) else { continue }
            return of(
                row(input.table, input.row + index), row(input.table, input.row + input.maps.maps.count),
                limit: input.maps.limits[index])
        }
        return { _ in (0, 0) }
    }
}
