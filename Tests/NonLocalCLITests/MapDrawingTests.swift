import NonLocal
import Testing

@testable import NonLocalCLI

/// Scales, colours and places of the pages that `map` draws.
@Suite struct MapDrawingTests {
    @Test func lightnessRisesWithTheNumber() {
        let steps = (0...100).map { HeatColours.colour(Double($0) / 100).luminance }
        #expect(zip(steps, steps.dropFirst()).allSatisfy { $0 <= $1 })
        // And over any ground, so that the map works in grey.
        for ground in [Colour.black, .white, Colour(20, 200, 90)] {
            let laid = (0...100).map { HeatColours.colour(Double($0) / 100, over: ground).luminance }
            let (low, high) = (laid[0], laid[100])
            #expect(high > low + 60, "\(low) to \(high)")
        }
    }

    @Test func aScaleIsLogarithmicWhereFewStandOut() throws {
        let even = try Tensor<Float>(shape: [1, 4], elements: [0.2, 0.3, 0.4, 0.1])
        #expect(!HeatScale(even, tone: .automatic).isLogarithmic)
        let peaked = try Tensor<Float>(
            shape: [1, 1000], elements: [0.9] + Array(repeating: 1e-4, count: 999))
        let scale = HeatScale(peaked, tone: .automatic)
        #expect(scale.isLogarithmic)
        #expect(abs(scale.place(0.9) - 1) < 1e-6 && abs(scale.place(0.09) - 2.0 / 3) < 1e-6)
        #expect(scale.place(0) == 0 && scale.place(1e-9) == 0)
        #expect(scale.ticks.map(\.label) == ["9e-4", "0.001", "0.01", "0.1", "0.9"])
        // A map ten times weaker than the other keeps its three decades.
        let two = try Tensor<Float>(
            shape: [2, 500],
            elements: [0.5] + Array(repeating: 0, count: 499) + Array(repeating: 0.05, count: 500))
        #expect(abs(HeatScale(two, tone: .logarithmic).place(0.05) - 0.75) < 1e-6)
        #expect(!HeatScale(peaked, tone: .linear).isLogarithmic)
    }

    @Test func negativeWeightsHaveALinearScale() throws {
        let values = try Tensor<Float>(shape: [1, 3], elements: [-2, 0, 6])
        let scale = HeatScale(values, tone: .logarithmic)
        #expect(!scale.isLogarithmic)
        #expect(scale.place(-2) == 0 && scale.place(2) == 0.5 && scale.place(6) == 1)
        #expect(scale.ticks.map(\.label) == ["-2", "2", "6"])
        let nothing = HeatScale(try Tensor(repeating: 0, shape: [1, 3]), tone: .automatic)
        #expect(nothing.place(0) == 0)
    }

    @Test(arguments: [
        (1, 256, 256, 1), (1, 512, 512, 1), (1, 128, 64, 4), (1, 5, 4, 9), (8, 256, 144, 3), (32, 14, 14, 1),
        (1, 3000, 2, 2), (1, 1, 1, 1),
    ]) func panelsAreOnThePageAndApart(_ frames: Int, _ width: Int, _ height: Int, _ queries: Int) {
        let layout = MapLayout(frames: frames, size: (width, height), queries: queries, pageWidth: 1280)
        var taken: [(x: Int, y: Int)] = []
        for query in 0..<queries {
            for frame in 0..<frames {
                taken += [layout.plainPanel(query, frame), layout.heatPanel(query, frame)]
            }
        }
        for (index, panel) in taken.enumerated() {
            #expect(panel.x >= 0 && panel.x + layout.panelWidth <= layout.width)
            #expect(panel.y > 0 && panel.y + layout.panelHeight <= layout.legendTop)
            for other in taken[..<index] {
                #expect(
                    abs(panel.x - other.x) > layout.panelWidth || abs(panel.y - other.y) > layout.panelHeight)
            }
        }
    }

    @Test(arguments: [(3, 2, 7, 5), (8, 8, 3, 3), (5, 4, 5, 4), (4, 4, 12, 12)])
    func resamplingKeepsTheMean(_ width: Int, _ height: Int, _ newWidth: Int, _ newHeight: Int) {
        let bytes = (0..<width * height).map { UInt8(($0 * 37) % 256) }
        let picture = Picture(width: width, height: height, colours: 1, hasAlpha: false, bytes: bytes)
        let result = picture.resampled(width: newWidth, height: newHeight)
        #expect(result.count == newWidth * newHeight)
        let (mean, expected) = (
            result.reduce(0) { $0 + $1.x } / Float(result.count),
            bytes.reduce(0) { $0 + Float($1) } / Float(bytes.count)
        )
        #expect(abs(mean - expected) < 0.01)
    }

    @Test func anArrowEndsAtItsTip() {
        var canvas = Canvas(width: 60, height: 40)
        canvas.arrow(from: Point(10, 20), to: Point(50.5, 20.5), thickness: 2, Colour(255, 0, 0))
        let page = canvas.picture()
        func pixel(_ x: Int, _ y: Int) -> [UInt8] {
            Array(page.bytes[(y * 60 + x) * 3..<(y * 60 + x) * 3 + 3])
        }
        #expect(pixel(30, 20)[0] > 200 && pixel(30, 20)[1] < 60)
        #expect(pixel(55, 20) == [255, 255, 255] && pixel(30, 30) == [255, 255, 255])
        #expect(pixel(46, 20)[1] < 60)
    }
}
