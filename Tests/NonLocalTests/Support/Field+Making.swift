@testable import NonLocal

extension Field {
    /// A field with `value` of a channel and a position.
    init(channels: Int, positions: Int, value: (Int, Int) -> Double) {
        self.init(channels: channels, positions: positions)
        for channel in 0..<channels {
            for position in 0..<positions {
                values[channel * positions + position] = value(channel, position)
            }
        }
    }
}
