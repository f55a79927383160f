/// The eigenvalues and eigenvectors of a symmetric matrix, by Jacobi's cyclic rotations.
///
/// Plain, accurate and the same on every machine; for the few hundred rows that a patch has.
/// (Golub, van Loan: Matrix Computations, section 8.5.)
struct SymmetricEigensystem {
    /// In descending order.
    let values: [Double]
    /// `vectors[k]` belongs to `values[k]`: length 1, the entry of largest magnitude positive.
    let vectors: [[Double]]

    /// - Parameters:
    ///   - matrix: `size` × `size` finite numbers, row by row, symmetric.
    init(_ matrix: [Double], size: Int) {
        var matrix = matrix
        // Row k is the k-th eigenvector once the matrix is diagonal.
        var rotations = [Double](repeating: 0, count: size * size)
        for index in 0..<size { rotations[index * size + index] = 1 }
        let norm = matrix.reduce(0) { $0 + $1 * $1 }

        matrix.withUnsafeMutableBufferPointer { matrix in
            rotations.withUnsafeMutableBufferPointer { rotations in
                // Convergence is quadratic: 6 to 10 sweeps. The limit only bounds the unforeseen.
                for _ in 0..<40 {
                    var offDiagonal = 0.0
                    for row in 0..<size {
                        for column in row + 1..<max(size, row + 1) {
                            let entry = matrix[row * size + column]
                            offDiagonal += 2 * entry * entry
                        }
                    }
                    if offDiagonal <= norm * 0x1p-100 { break }
                    for row in 0..<size {
                        for column in row + 1..<max(size, row + 1) {
                            Self.annihilate(row, column, size, matrix, rotations)
                        }
                    }
                }
            }
        }

        let diagonal = (0..<size).map { matrix[$0 * size + $0] }
        let order = diagonal.indices.sorted { (diagonal[$1], $0) < (diagonal[$0], $1) }
        values = order.map { diagonal[$0] }
        vectors = order.map { index in
            let vector = Array(rotations[index * size..<(index + 1) * size])
            let largest = vector.max { abs($0) < abs($1) } ?? 0
            return largest < 0 ? vector.map(-) : vector
        }
    }

    /// Rotates rows and columns p and q so that entry (p, q) becomes zero.
    private static func annihilate(
        _ p: Int, _ q: Int, _ size: Int, _ matrix: UnsafeMutableBufferPointer<Double>,
        _ rotations: UnsafeMutableBufferPointer<Double>
    ) {
        let entry = matrix[p * size + q]
        guard entry != 0 else { return }
        let ratio = (matrix[q * size + q] - matrix[p * size + p]) / (2 * entry)
        // The smaller root, which keeps the angle below 45°; 0 where the ratio is too large to square.
        let tangent = (ratio < 0 ? -1 : 1) / (abs(ratio) + (1 + ratio * ratio).squareRoot())
        let cosine = 1 / (1 + tangent * tangent).squareRoot()
        let sine = tangent * cosine

        for column in 0..<size {
            let (upper, lower) = (matrix[p * size + column], matrix[q * size + column])
            matrix[p * size + column] = cosine * upper - sine * lower
            matrix[q * size + column] = sine * upper + cosine * lower
            let (first, second) = (rotations[p * size + column], rotations[q * size + column])
            rotations[p * size + column] = cosine * first - sine * second
            rotations[q * size + column] = sine * first + cosine * second
        }
        for row in 0..<size {
            let (left, right) = (matrix[row * size + p], matrix[row * size + q])
            matrix[row * size + p] = cosine * left - sine * right
            matrix[row * size + q] = sine * left + cosine * right
        }
        matrix[p * size + q] = 0
        matrix[q * size + p] = 0
    }
}
