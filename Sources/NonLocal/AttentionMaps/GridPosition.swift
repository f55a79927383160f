/// A position of x: its frame, row and column, each counted from 0. Sequences are one row, images one frame.
public struct GridPosition: Sendable, Hashable {
    /// The frame.
    public var t: Int
    /// The row.
    public var h: Int
    /// The column.
    public var w: Int

    /// The position in row `h` and column `w` of frame `t`.
    public init(t: Int = 0, h: Int, w: Int) {
        self.t = t
        self.h = h
        self.w = w
    }
}

extension GridPosition: CustomStringConvertible {
    /// Such as `(t 0, h 7, w 12)`.
    public var description: String { "(t \(t), h \(h), w \(w))" }
}

extension Grid {
    func contains(_ position: GridPosition) -> Bool {
        (0..<t).contains(position.t) && (0..<h).contains(position.h) && (0..<w).contains(position.w)
    }

    /// (t·H + h)·W + w
    func flat(_ position: GridPosition) -> Int { (position.t * h + position.h) * w + position.w }

    /// The position at a flat index.
    func position(_ flat: Int) -> GridPosition {
        GridPosition(t: flat / (h * w), h: flat / w % h, w: flat % w)
    }
}
