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
