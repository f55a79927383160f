/// The bare operation on the CPU, in Double.
struct ReferenceBareOperation: Sendable {
    let operation: NonLocalOperation
    let shape: OperationShape
    let theta: Tensor<Float>
    let phi: Tensor<Float>
    let g: Tensor<Float>

    init(
        _ operation: NonLocalOperation, _ shape: OperationShape, theta: Tensor<Float>, phi: Tensor<Float>,
        g: Tensor<Float>
    ) {
        self.operation = operation
        self.shape = shape
        self.theta = theta
        self.phi = phi
        self.g = g
    }

    /// y, `[B, d_v, …]`.
    func output() throws -> Tensor<Float> {
        let (rows, channels) = (shape.rows, shape.valueChannels)
        return try Tensor(shape: shape.output) { y in
            for item in 0..<shape.batch {
                let table = itemRows(item, Array(0..<rows))
                for row in 0..<rows {
                    for channel in 0..<channels {
                        y[(item * channels + channel) * rows + row] = Float(table[row, channel])
                    }
                }
            }
        }
    }

    /// y of some positions of an item.
    private func itemRows(_ item: Int, _ rows: [Int]) -> ReferenceRows {
        let halves =
            operation.pairwise.formulation.score == .outerSum ? operation.pairwiseWeight?.halves : nil
        func field(_ tensor: Tensor<Float>) -> Field {
            Field(tensor, item: item, layout: .channelsFirst, channels: tensor.shape[1])
        }
        let reference = ReferenceOperation(
            formulation: operation.pairwise.formulation, scale: operation.scale.value(width: shape.width),
            ownWeight: operation.ownWeight,
            theta: ReferenceStages.project(field(theta).gathered(rows), by: halves?.theta),
            phi: ReferenceStages.project(field(phi), by: halves?.phi), g: field(g),
            queries: PositionGroups(Grid(t: 1, h: 1, w: shape.rows), scope: .spacetime),
            keys: PositionGroups(Grid(t: 1, h: 1, w: shape.keys), scope: .spacetime))
        return reference.results(at: rows)
    }

    /// Compares rows of y with the reference.
    ///
    /// - Parameter precision: what operands were kept in.
    func compare(
        _ y: Tensor<Float>, _ chosen: [(item: Int, rows: [Int])], precision: Precision = .float32
    ) -> Comparison {
        var comparison = Comparison(
            isExponent: operation.pairwise.formulation.isExponent, width: shape.width, keys: shape.keys,
            precision: precision)
        let (rows, channels) = (shape.rows, shape.valueChannels)
        // y is a mean of g: where it cancels, it has the rounding of g all the same.
        let largestValue = g.withUnsafeBufferPointer {
            $0.reduce(0) { $1.isFinite ? max($0, Double($1.magnitude)) : $0 }
        }
        let zeros = [Float](repeating: 0, count: channels)
        for (item, chosenRows) in chosen {
            let expected = itemRows(item, chosenRows)
            y.withUnsafeBufferPointer { y in
                for (index, row) in chosenRows.enumerated() {
                    comparison.add(
                        item: item, row: row, expected: expected[index],
                        actual: (0..<channels).map { y[(item * channels + $0) * rows + row] }, input: zeros,
                        magnitudes: expected.magnitudes[index], largestValue: largestValue)
                }
            }
        }
        return comparison
    }
}
