/// Which positions of x each key stands for: itself, or with sub-sampling the window that was pooled into it.
///
/// Windows that don't fit are dropped, so some positions at the far edges may belong to no key.
struct KeyRegions: Sendable, Hashable {
    let grid: Grid
    let keyGrid: Grid
    let window: Geometry.Window?

    init(_ geometry: Geometry) {
        grid = geometry.grid
        keyGrid = geometry.keyGrid
        window = geometry.window
    }

    /// The flat key that a flat position was pooled into, or none.
    func key(at flat: Int) -> Int? {
        switch window {
        case nil: return flat
        case .flat(let size):
            let key = flat / size
            return key < keyGrid.count ? key : nil
        case .grid(let t, let h, let w):
            let position = grid.position(flat)
            let key = GridPosition(t: position.t / t, h: position.h / h, w: position.w / w)
            return keyGrid.contains(key) ? keyGrid.flat(key) : nil
        }
    }

    /// The flat positions that were pooled into a key, in order.
    func positions(of key: Int) -> [Int] {
        switch window {
        case nil: return [key]
        case .flat(let size): return Array(key * size..<(key + 1) * size)
        case .grid(let t, let h, let w):
            let first = keyGrid.position(key)
            return (0..<t * h * w).map { index in
                grid.flat(
                    GridPosition(
                        t: first.t * t + index / (h * w), h: first.h * h + index / w % h,
                        w: first.w * w + index % w))
            }
        }
    }

    /// The middle of a key's positions, as t, h and w, where the middle of position 0 is 0.
    func centre(of key: Int) -> (t: Double, h: Double, w: Double) {
        switch window {
        case nil:
            let position = grid.position(key)
            return (Double(position.t), Double(position.h), Double(position.w))
        case .flat(let size):
            // Such a window may go on in the next row, where a mean of rows and columns would lie outside of it.
            let position = grid.position(key * size + (size - 1) / 2)
            return (Double(position.t), Double(position.h), Double(position.w))
        case .grid(let t, let h, let w):
            let first = keyGrid.position(key)
            func middle(_ index: Int, _ size: Int) -> Double { Double(index * size) + Double(size - 1) / 2 }
            return (middle(first.t, t), middle(first.h, h), middle(first.w, w))
        }
    }
}
