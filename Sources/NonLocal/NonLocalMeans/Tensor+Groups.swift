extension Tensor {
    /// `[1, channels, positions…]` with the positions of each group side by side, each group an item of the
    /// batch: `[groups, channels, count]`.
    func gathered(_ groups: PositionGroups) throws -> Tensor {
        let channels = shape[1]
        return try Tensor(shape: [groups.groups, channels, groups.count]) { target in
            groups.forEachPlace(channels: channels) { item, place in
                target.initializeElement(at: item, to: storage.elements[place])
            }
        }
    }

    /// The way back from ``gathered(_:)``: `[1, channels, positions]`.
    func scattered(_ groups: PositionGroups) throws -> Tensor {
        let channels = shape[1]
        return try Tensor(shape: [1, channels, groups.groups * groups.count]) { target in
            groups.forEachPlace(channels: channels) { item, place in
                target.initializeElement(at: place, to: storage.elements[item])
            }
        }
    }
}

extension PositionGroups {
    /// Calls `body` for each element with where it stands among the groups, and where among the positions.
    fileprivate func forEachPlace(channels: Int, _ body: (_ item: Int, _ place: Int) -> Void) {
        for group in 0..<groups {
            for channel in 0..<channels {
                let item = (group * channels + channel) * count
                let place = channel * groups * count + group * groupStride
                for index in 0..<count { body(item + index, place + index * positionStride) }
            }
        }
    }
}
