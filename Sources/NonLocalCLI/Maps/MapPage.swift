import NonLocal

/// The picture that `map` writes: for each query the frames with the query boxed and arrows to what it attends to
/// most, and the heat map laid over the frames; below them a legend.
struct MapPage {
    let maps: AttentionMaps
    /// The frames, or none: then there is nothing under the heat.
    let clip: Clip?
    /// The strongest keys that arrows go to, for each query.
    let peaks: [[AttentionMaps.Peak]]
    let scale: HeatScale
    let layout: MapLayout

    init(_ maps: AttentionMaps, clip: Clip?, peaks: [[AttentionMaps.Peak]], tone: HeatScale.Tone, width: Int)
    {
        self.maps = maps
        self.clip = clip
        self.peaks = peaks
        scale = HeatScale(maps.values, tone: tone)
        layout = MapLayout(
            frames: maps.extents[0],
            size: clip.map { ($0.width, $0.height) } ?? (maps.extents[2], maps.extents[1]),
            queries: maps.queries.count, pageWidth: width)
    }

    func draw() throws -> Canvas {
        var canvas = Canvas(width: layout.width, height: layout.height)
        let grounds = ground()
        let panels = MapPanels(maps: maps, scale: scale, layout: layout)
        for query in maps.queries.indices {
            let place = layout.place(of: query)
            canvas.write(title(query), x: place.x, y: place.y, limit: layout.stripWidth)
            let heat = try maps.overPositions(query)
            for frame in 0..<layout.frames {
                let (plain, heated) = (layout.plainPanel(query, frame), layout.heatPanel(query, frame))
                panels.draw(grounds.map { $0[frame] }, at: plain, on: &canvas)
                panels.draw(grounds.map { $0[frame] }, heat: heat, frame: frame, at: heated, on: &canvas)
                if layout.frames > 1 {
                    for panel in [plain, heated] { label("t \(frame)", at: panel, on: &canvas) }
                }
            }
            // What is below the scale has no weight to speak of.
            for peak in peaks[query].reversed() where Double(peak.value) > scale.least {
                panels.arrow(to: peak, of: query, on: &canvas)
            }
            panels.box(query, on: &canvas)
        }
        drawLegend(on: &canvas)
        return canvas
    }

    /// The frames at the panels' size.
    private func ground() -> [[Colour]]? {
        clip.map { clip in
            clip.frames.map { $0.resampled(width: layout.panelWidth, height: layout.panelHeight) }
        }
    }

    /// Where the query is, in pixels of the frames.
    private func title(_ query: Int) -> String {
        let position = maps.queries[query]
        let (x, y) =
            clip.map { clip in
                (
                    (position.w * 2 + 1) * clip.width / (2 * maps.extents[2]),
                    (position.h * 2 + 1) * clip.height / (2 * maps.extents[1])
                )
            } ?? (position.w, position.h)
        return "x \(x), y \(y)" + (layout.frames > 1 ? ", t \(position.t)" : "")
    }

    private func label(_ text: String, at panel: (x: Int, y: Int), on canvas: inout Canvas) {
        let width = BitmapFont.width(of: text, size: 1) + 6
        guard width <= layout.panelWidth else { return }
        canvas.fill(x: panel.x, y: panel.y, width: width, height: BitmapFont.height + 4, .black, 0.6)
        canvas.write(text, x: panel.x + 3, y: panel.y + 3, size: 1, .white)
    }

    private func drawLegend(on canvas: inout Canvas) {
        let (x, y) = (MapLayout.margin, layout.legendTop)
        let name = maps.quantity.rawValue + (scale.isLogarithmic ? ", logarithmic" : "")
        canvas.write(name, x: x, y: y)
        let width = min(layout.width - 2 * MapLayout.margin, 420)
        let top = y + 24
        for column in 0..<width {
            let ground = clip == nil ? nil : Colour(128, 128, 128)
            let colour = HeatColours.colour(Double(column) / Double(width - 1), over: ground)
            canvas.fill(x: x + column, y: top, width: 1, height: 14, colour)
        }
        canvas.outline(x: x - 1, y: top - 1, width: width + 2, height: 16, .ink)
        drawTicks(x: x, y: top + 15, width: width, on: &canvas)
        guard let overlap = maps.overlap else { return }
        let text = "overlap of the maps \(overlap.fixed(2))"
        let left = x + width + 24
        canvas.write(text, x: left, y: top, limit: layout.width - MapLayout.margin - left)
    }

    /// Marks below the legend's bar with their labels; those between the ends where there is room for them.
    private func drawTicks(x: Int, y: Int, width: Int, on canvas: inout Canvas) {
        let ticks = scale.ticks
        var taken: [Range<Int>] = []
        for tick in [ticks.first, ticks.last].compactMap(\.self) + ticks.dropFirst().dropLast() {
            let column = x + Int(tick.place * Double(width - 1))
            let wide = BitmapFont.width(of: tick.label, size: 2)
            let left = min(max(column - wide / 2, x), x + width - wide)
            let space = left - 6..<left + wide + 6
            guard taken.allSatisfy({ !$0.overlaps(space) }) else { continue }
            taken.append(space)
            canvas.fill(x: column, y: y, width: 1, height: 4, .ink)
            canvas.write(tick.label, x: left, y: y + 7)
        }
    }
}
