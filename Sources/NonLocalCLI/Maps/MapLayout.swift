/// Where everything stands on the page of `map`.
///
/// A query has two strips of all frames, one below the other: plain with arrows, and with the heat. Strips of
/// several queries on one picture stand side by side, those of a clip below each other; of a single query on one
/// picture the two panels stand side by side.
struct MapLayout {
    let frames: Int
    let panelWidth: Int
    let panelHeight: Int
    /// Queries side by side.
    let columns: Int
    let queries: Int
    private let isSideBySide: Bool

    static let margin = 16
    private static let gap = 4
    private static let columnGap = 16
    private static let titleHeight = 24
    private static let legendHeight = 74
    private static let mostColumns = 4
    /// Small grids are shown in squares of at most so many pixels.
    private static let largestZoom = 32.0

    /// - Parameters:
    ///   - size: of a frame, in pixels.
    ///   - pageWidth: what the page should have; more where panels would become too small.
    init(frames: Int, size: (width: Int, height: Int), queries: Int, pageWidth: Int) {
        self.frames = frames
        self.queries = queries
        isSideBySide = frames == 1 && queries == 1
        columns = frames == 1 ? min(queries, Self.mostColumns) : 1
        let panels = isSideBySide ? 2 : columns * frames
        let gaps = (panels - 1) * (columns > 1 ? Self.columnGap : Self.gap)
        let available = max(pageWidth - 2 * Self.margin - gaps, panels * 48)
        var zoom = min(Double(available) / Double(panels * size.width), Self.largestZoom)
        // Whole pixels stay whole; and a page need not be filled.
        if zoom > 1 { zoom = max(1, min(zoom, 720 / Double(size.height)).rounded(.down)) }
        panelWidth = max(1, Int(Double(size.width) * zoom))
        panelHeight = max(1, Int(Double(size.height) * zoom))
    }

    /// The width of all frames side by side.
    var stripWidth: Int { (panelWidth + Self.gap) * (isSideBySide ? 2 : frames) - Self.gap }

    private var blockHeight: Int {
        Self.titleHeight + (isSideBySide ? panelHeight : 2 * panelHeight + Self.gap) + Self.margin
    }

    private var rows: Int { (queries + columns - 1) / columns }

    var width: Int {
        max(2 * Self.margin + columns * (stripWidth + Self.columnGap) - Self.columnGap, 320)
    }
    var legendTop: Int { Self.margin + rows * blockHeight }
    var height: Int { legendTop + Self.legendHeight }

    /// Where a query's title stands.
    func place(of query: Int) -> (x: Int, y: Int) {
        (
            Self.margin + query % columns * (stripWidth + Self.columnGap),
            Self.margin + query / columns * blockHeight
        )
    }

    /// The upper left corner of a frame with arrows.
    func plainPanel(_ query: Int, _ frame: Int) -> (x: Int, y: Int) {
        let place = place(of: query)
        return (place.x + frame * (panelWidth + Self.gap), place.y + Self.titleHeight)
    }

    /// The upper left corner of a frame with the heat.
    func heatPanel(_ query: Int, _ frame: Int) -> (x: Int, y: Int) {
        let plain = plainPanel(query, frame)
        return isSideBySide
            ? (plain.x + panelWidth + Self.gap, plain.y) : (plain.x, plain.y + panelHeight + Self.gap)
    }
}
