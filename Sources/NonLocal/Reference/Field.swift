/// Numbers at the positions of one batch item, `[channels, positions]`, in Double.
struct Field: Sendable {
    let channels: Int
    let positions: Int
    var values: [Double]

    init(channels: Int, positions: Int) {
        self.init(
            channels: channels, positions: positions, values: Array(repeating: 0, count: channels * positions)
        )
    }

    init(channels: Int, positions: Int, values: [Double]) {
        self.channels = channels
        self.positions = positions
        self.values = values
    }

    subscript(channel: Int, position: Int) -> Double {
        get { values[channel * positions + position] }
        set { values[channel * positions + position] = newValue }
    }
}

extension Field {
    /// One item of a tensor `[B, C, positions…]` or `[B, positions…, C]`.
    init(_ tensor: Tensor<Float>, item: Int, layout: Layout, channels: Int) {
        let positions = tensor.count / (tensor.shape[0] * channels)
        self.init(channels: channels, positions: positions)
        tensor.withUnsafeBufferPointer { source in
            let first = item * channels * positions
            for channel in 0..<channels {
                for position in 0..<positions {
                    let at =
                        layout == .channelsFirst
                        ? channel * positions + position : position * channels + channel
                    values[channel * positions + position] = Double(source[first + at])
                }
            }
        }
    }

    /// Some positions of one item of a tensor `[B, C, positions…]` or `[B, positions…, C]`.
    init(_ tensor: Tensor<Float>, item: Int, layout: Layout, channels: Int, positions: [Int]) {
        let all = tensor.count / (tensor.shape[0] * channels)
        self.init(channels: channels, positions: positions.count)
        tensor.withUnsafeBufferPointer { source in
            let first = item * channels * all
            for channel in 0..<channels {
                for (index, position) in positions.enumerated() {
                    let at =
                        layout == .channelsFirst ? channel * all + position : position * channels + channel
                    values[channel * positions.count + index] = Double(source[first + at])
                }
            }
        }
    }

    /// Where the numbers of a channel stand at the positions of a group.
    func places(ofChannel channel: Int, _ groups: PositionGroups, group: Int) -> Sums.Places {
        Sums.Places(
            first: channel * positions + group * groups.groupStride, stride: groups.positionStride,
            count: groups.count)
    }

    /// The chosen positions alone, in their order.
    func gathered(_ chosen: [Int]) -> Field {
        var result = Field(channels: channels, positions: chosen.count)
        for channel in 0..<channels {
            for (index, position) in chosen.enumerated() { result[channel, index] = self[channel, position] }
        }
        return result
    }
}
