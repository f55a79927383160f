/// The colours of heat maps: "inferno", whose lightness rises evenly, so that it works in grey and for the
/// colour-blind. By Nathaniel Smith and Stéfan van der Walt for matplotlib, dedicated to the public domain (CC0);
/// here every tenth of the scale, the rest in between.
enum HeatColours {
    private static let tenths: [Colour] = [
        Colour(0, 0, 4), Colour(22, 11, 57), Colour(66, 10, 104), Colour(106, 23, 110),
        Colour(147, 38, 103), Colour(188, 55, 84), Colour(221, 81, 58), Colour(243, 120, 25),
        Colour(252, 165, 10), Colour(246, 215, 70), Colour(252, 255, 164),
    ]

    /// The colour at a place from 0 to 1.
    static func colour(_ place: Double) -> Colour {
        let scaled = min(max(place, 0), 1) * Double(tenths.count - 1)
        let index = min(Int(scaled), tenths.count - 2)
        return tenths[index].mixed(with: tenths[index + 1], Float(scaled - Double(index)))
    }

    /// The colour laid over a ground, which is darkened and shows less the larger the number; none without one.
    static func colour(_ place: Double, over ground: Colour?) -> Colour {
        guard let ground else { return colour(place) }
        let grey = Colour(repeating: 0.55 * ground.luminance)
        return grey.mixed(with: colour(place), Float(0.35 + 0.55 * min(max(place, 0), 1)))
    }
}
