/// What of a call's result is compared with the reference.
struct Sample {
    /// The rows of each item.
    var rows: [(item: Int, rows: [Int])]
    /// Takes φ and g of these items from the device, if they are pooled behind their projections.
    var copies: PooledKeyCopies?
}

extension PreparedBlock {
    /// What the next call is to compare.
    func sample(_ queries: [Int]?) -> Sample {
        let geometry = reference.geometry
        // All of an item has to be pooled for its first row.
        let poolsInput = reference.configuration.subsample == .poolFirst && geometry.window != nil
        let rows = SampledRows.choose(
            options.validation, items: geometry.batch, rows: queries?.count ?? geometry.grid.count,
            call: calls, tile: engine?.queryTile ?? 1, groups: queries == nil ? geometry.queries : nil,
            mostItems: poolsInput ? 1 : .max)
        let isSampled = options.validation != .full && !rows.isEmpty
        return Sample(rows: rows, copies: isSampled ? PooledKeyCopies(rows.map(\.item), geometry) : nil)
    }

    /// The same, if there is time for it.
    func affordableSample(_ queries: [Int]?) -> Sample {
        options.validation.isAffordable(budget, on: session) ? sample(queries) : Sample(rows: [])
    }

    /// Compares a sample of z with the reference.
    ///
    /// - Throws: ``NonLocalError/Code/mismatch``.
    func validate(
        _ z: Tensor<Float>, _ x: Tensor<Float>, _ queries: [Int]?, _ sample: Sample, _ work: DeviceWork?
    ) throws -> ValidationReport {
        let rows = (queries?.count ?? reference.geometry.grid.count) * reference.geometry.batch
        guard engine != nil, !sample.rows.isEmpty else { return .none(of: rows) }
        let start = ContinuousClock.now
        let comparison = try checker.compare(
            z, x, queries: queries, sample.rows, precision: work?.precision ?? .float32,
            copies: sample.copies)
        return try passed(comparison, work?.method).report(
            of: rows, seconds: (ContinuousClock.now - start) / .seconds(1))
    }

    /// Compares a run's sums with each other.
    ///
    /// - Throws: ``NonLocalError/Code/mismatch``.
    func validate(_ sums: SumCopies, _ work: DeviceWork?) throws -> SumReport {
        guard sums.sums != nil else { return .none }
        let start = ContinuousClock.now
        let (count, largestError, mismatch) = try SumComparison.of(sums)
        if let mismatch { throw NonLocalError(mismatch, plan, reference.configuration, by: work?.method) }
        return SumReport(
            count: count, largestError: largestError, deviceSeconds: work?.checksumSeconds ?? 0,
            hostSeconds: (ContinuousClock.now - start) / .seconds(1))
    }

    /// - Parameter method: by which the result was computed; none where that is not said.
    func passed(_ comparison: Comparison, _ method: Method? = nil) throws -> Comparison {
        guard let mismatch = comparison.mismatch else { return comparison }
        throw NonLocalError(mismatch, plan, reference.configuration, by: method)
    }
}

/// What comparing a run's sums took.
struct SumReport {
    let count: Int
    /// Relative to its tolerance.
    let largestError: Double
    /// Of the kernels that take sums and do nothing else.
    let deviceSeconds: Double
    let hostSeconds: Double

    /// None were taken.
    static let none = SumReport(count: 0, largestError: 0, deviceSeconds: 0, hostSeconds: 0)
}

extension ValidationReport {
    mutating func add(_ report: SumReport) {
        sums = report.count
        maxSumError = report.count > 0 ? report.largestError : nil
        seconds += report.deviceSeconds + report.hostSeconds
    }
}
