/// A place on a canvas; (0, 0) is the upper left corner of the first pixel.
typealias Point = SIMD2<Double>

extension Point {
    fileprivate func dot(_ other: Point) -> Double { (self * other).sum() }
    fileprivate var length: Double { dot(self).squareRoot() }
}

extension Canvas {
    /// An arrow with a dark rim, which shows on any ground. Its end is its tip.
    mutating func arrow(from start: Point, to end: Point, thickness: Double, _ colour: Colour) {
        let way = end - start
        let length = way.length
        guard length > 0 else { return }
        let direction = way / length
        let head = min(length, 5 * thickness)
        let neck = end - direction * head
        let side = Point(-direction.y, direction.x) * (head * 0.45)
        for (extra, colour) in [(1.0, Colour.black), (0.0, colour)] {
            stroke(from: start, to: neck, thickness: thickness + 2 * extra, colour)
            triangle([end, neck + side, neck - side], grown: extra, colour)
        }
    }

    /// A line with round ends.
    private mutating func stroke(from start: Point, to end: Point, thickness: Double, _ colour: Colour) {
        let way = end - start
        let square = max(way.dot(way), .leastNormalMagnitude)
        cover([start, end], margin: thickness / 2, colour) { point in
            let along = min(max((point - start).dot(way) / square, 0), 1)
            return (point - start - way * along).length - thickness / 2
        }
    }

    private mutating func triangle(_ corners: [Point], grown: Double, _ colour: Colour) {
        let turn = corners[1] - corners[0]
        let other = corners[2] - corners[0]
        let sign: Double = turn.x * other.y - turn.y * other.x > 0 ? 1 : -1
        let edges = corners.indices.map { index -> (corner: Point, normal: Point) in
            let way = corners[(index + 1) % 3] - corners[index]
            return (corners[index], Point(way.y, -way.x) * (sign / max(way.length, .leastNormalMagnitude)))
        }
        cover(corners, margin: grown, colour) { point in
            edges.reduce(-Double.infinity) { max($0, (point - $1.corner).dot($1.normal)) } - grown
        }
    }

    /// Colours the pixels for whose middles `distance` is negative; those at the rim in part.
    private mutating func cover(
        _ corners: [Point], margin: Double, _ colour: Colour, _ distance: (Point) -> Double
    ) {
        let xs = corners.map(\.x)
        let ys = corners.map(\.y)
        guard let left = xs.min(), let right = xs.max(), let top = ys.min(), let bottom = ys.max() else {
            return
        }
        let columns = max(0, Int(left - margin) - 1)..<max(0, min(width, Int(right + margin) + 2))
        let rows = max(0, Int(top - margin) - 1)..<max(0, min(height, Int(bottom + margin) + 2))
        for y in rows {
            for x in columns {
                let share = 0.5 - distance(Point(Double(x) + 0.5, Double(y) + 0.5))
                if share > 0 { blend(colour, x: x, y: y, Float(share)) }
            }
        }
    }
}
