/// The loops that nearly all of the reference's time goes to.
///
/// Plain pointers and while loops: they are fast without optimisation too, as in tests.
enum Sums {
    /// Where numbers stand in an array: at `first`, `first + stride`, …
    struct Places: Sendable {
        let first: Int
        let stride: Int
        let count: Int
    }

    /// `Σ_n a[n] · b[n]`, in four partial sums.
    static func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, at places: Places) -> Double {
        let (b, stride, count) = (b + places.first, places.stride, places.count)
        var (sum0, sum1, sum2, sum3) = (0.0, 0.0, 0.0, 0.0)
        var n = 0
        while n + 4 <= count {
            sum0 += a[n] * b[n * stride]
            sum1 += a[n + 1] * b[(n + 1) * stride]
            sum2 += a[n + 2] * b[(n + 2) * stride]
            sum3 += a[n + 3] * b[(n + 3) * stride]
            n += 4
        }
        while n < count {
            sum0 += a[n] * b[n * stride]
            n += 1
        }
        return (sum0 + sum1) + (sum2 + sum3)
    }

    /// Vectors that lie side by side for `dots`.
    static let vectors = 4

    /// `Σ_n a[row + n] · b[4 n + v]` for two rows and four vectors v, which lie side by side.
    ///
    /// Eight sums are on their way at a time, so that none waits for the one before it.
    static func dots(
        _ a: UnsafePointer<Double>, rows: (Int, Int), with b: UnsafePointer<Double>, count: Int,
        into sums: UnsafeMutablePointer<Double>
    ) {
        let (a0, a1) = (a + rows.0, a + rows.1)
        var (sum00, sum01, sum02, sum03) = (0.0, 0.0, 0.0, 0.0)
        var (sum10, sum11, sum12, sum13) = (0.0, 0.0, 0.0, 0.0)
        var n = 0
        while n < count {
            let (x0, x1) = (a0[n], a1[n])
            let (y0, y1, y2, y3) = (b[4 &* n], b[4 &* n &+ 1], b[4 &* n &+ 2], b[4 &* n &+ 3])
            sum00 += x0 * y0
            sum01 += x0 * y1
            sum02 += x0 * y2
            sum03 += x0 * y3
            sum10 += x1 * y0
            sum11 += x1 * y1
            sum12 += x1 * y2
            sum13 += x1 * y3
            n &+= 1
        }
        (sums[0], sums[1], sums[2], sums[3]) = (sum00, sum01, sum02, sum03)
        (sums[4], sums[5], sums[6], sums[7]) = (sum10, sum11, sum12, sum13)
    }

    /// `sums[n] += factor · x[n]`
    static func add(
        _ factor: Double, times x: UnsafePointer<Double>, at places: Places,
        to sums: UnsafeMutablePointer<Double>
    ) {
        let (x, stride, count) = (x + places.first, places.stride, places.count)
        var n = 0
        while n < count {
            sums[n] += factor * x[n * stride]
            n += 1
        }
    }

    /// `sums[n] −= (y − x[n])²`
    static func subtractSquares(
        of y: Double, minus x: UnsafePointer<Double>, at places: Places,
        from sums: UnsafeMutablePointer<Double>
    ) {
        let (x, stride, count) = (x + places.first, places.stride, places.count)
        var n = 0
        while n < count {
            let difference = y - x[n * stride]
            sums[n] -= difference * difference
            n += 1
        }
    }
}
