import NonLocal

/// What is drawn in a panel: a frame, the heat over it, the query's box and arrows.
struct MapPanels {
    let maps: AttentionMaps
    let scale: HeatScale
    let layout: MapLayout

    /// Without frames: what lies under boxes and arrows.
    private static let emptyGround = Colour(70, 70, 70)

    /// A frame as it is.
    func draw(_ ground: [Colour]?, at panel: (x: Int, y: Int), on canvas: inout Canvas) {
        for y in 0..<layout.panelHeight {
            for x in 0..<layout.panelWidth {
                let colour = ground.map { $0[y * layout.panelWidth + x] } ?? Self.emptyGround
                canvas.blend(colour, x: panel.x + x, y: panel.y + y)
            }
        }
    }

    /// A frame in dark grey, under the heat: more of it the larger the number.
    func draw(
        _ ground: [Colour]?, heat: Tensor<Float>, frame: Int, at panel: (x: Int, y: Int),
        on canvas: inout Canvas
    ) {
        let (height, width) = (maps.extents[1], maps.extents[2])
        let columns = (0..<layout.panelWidth).map { covered($0, of: layout.panelWidth, in: width) }
        for y in 0..<layout.panelHeight {
            let rows = covered(y, of: layout.panelHeight, in: height)
            for x in 0..<layout.panelWidth {
                // The largest, so that no single strong position is lost where many share a pixel.
                var value = -Float.infinity
                for row in rows {
                    for column in columns[x] { value = max(value, heat[frame, row, column]) }
                }
                canvas.blend(
                    HeatColours.colour(
                        scale.place(Double(value)), over: ground?[y * layout.panelWidth + x]),
                    x: panel.x + x, y: panel.y + y)
            }
        }
    }

    /// An arrow from a query to one of the keys, in the key's colour of the upper half of the scale.
    func arrow(to peak: AttentionMaps.Peak, of query: Int, on canvas: inout Canvas) {
        let frame = min(Int(peak.t.rounded()), layout.frames - 1)
        let end = point(layout.plainPanel(query, frame), h: peak.h, w: peak.w)
        let colour = HeatColours.colour(0.45 + 0.55 * scale.place(Double(peak.value)))
        let thickness = min(max(Double(layout.panelWidth) / 200, 1.2), 2.4)
        canvas.arrow(from: middle(of: query), to: end, thickness: thickness, colour)
    }

    /// The query's box, in both of its panels.
    func box(_ query: Int, on canvas: inout Canvas) {
        let position = maps.queries[query]
        let cell = max(layout.panelWidth / maps.extents[2], layout.panelHeight / maps.extents[1])
        let half = max(6, layout.panelWidth / 28, cell / 2 + 2)
        for panel in [layout.plainPanel(query, position.t), layout.heatPanel(query, position.t)] {
            let centre = point(panel, h: Double(position.h), w: Double(position.w))
            let (x, y) = (Int(centre.x) - half, Int(centre.y) - half)
            for (inset, colour) in [(0, Colour.black), (1, .white), (3, .black)] {
                canvas.outline(
                    x: x + inset, y: y + inset, width: 2 * (half - inset) + 1, height: 2 * (half - inset) + 1,
                    thickness: inset == 1 ? 2 : 1, colour)
            }
        }
    }

    private func middle(of query: Int) -> Point {
        let position = maps.queries[query]
        return point(layout.plainPanel(query, position.t), h: Double(position.h), w: Double(position.w))
    }

    /// A place in rows and columns of x, the middle of position 0 being 0, on the canvas.
    private func point(_ panel: (x: Int, y: Int), h: Double, w: Double) -> Point {
        Point(
            Double(panel.x) + (w + 0.5) / Double(maps.extents[2]) * Double(layout.panelWidth),
            Double(panel.y) + (h + 0.5) / Double(maps.extents[1]) * Double(layout.panelHeight))
    }

    /// The positions that a pixel of a panel covers.
    private func covered(_ pixel: Int, of pixels: Int, in positions: Int) -> Range<Int> {
        let first = pixel * positions / pixels
        return first..<max(first + 1, min(positions, ((pixel + 1) * positions + pixels - 1) / pixels))
    }
}
