import ArgumentParser

/// A shape of x, or the name of a stage, with the number of such blocks: `3:res4`.
struct CostedBlock: ExpressibleByArgument {
    let name: String
    let count: Int
    let shape: [Int]
    let isStage: Bool

    /// C, H and W of the paper's stages, for pictures of 224 pixels (table 1 of the paper).
    private static let stages = ["res2": (256, 56), "res3": (512, 28), "res4": (1024, 14), "res5": (2048, 7)]

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (1...2).contains(parts.count), let name = parts.last else { return nil }
        guard let count = parts.count == 2 ? Int(parts[0]) : 1, (1...1_000_000).contains(count) else {
            return nil
        }
        let words = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if let (channels, side) = Self.stages[words[0]], words.count <= 2 {
            guard let frames = words.count == 2 ? Int(words[1]) : 4, frames > 0 else { return nil }
            (shape, isStage) = ([1, channels, frames, side, side], true)
        } else if let option = ShapeOption(argument: name) {
            (shape, isStage) = (option.extents, false)
        } else {
            return nil
        }
        self.name = name
        self.count = count
    }
}

/// What a network has without the blocks.
struct Network: ExpressibleByArgument {
    let name: String
    let parameters: Double
    let multiplyAdds: Double

    init?(argument: String) {
        // The paper's baseline, as SlowFast and others count it.
        if argument == "resnet101" {
            (name, parameters, multiplyAdds) = ("ResNet-101", 43.2e6, 34.2e9)
            return
        }
        let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard numbers.count == 2, let first = numbers[0], let second = numbers[1], first > 0, second > 0,
            first.isFinite, second.isFinite
        else { return nil }
        (name, parameters, multiplyAdds) = ("the network", first * 1e6, second * 1e9)
    }
}
