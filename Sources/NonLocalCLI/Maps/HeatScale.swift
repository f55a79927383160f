import ArgumentParser
import Foundation
import NonLocal

/// How numbers become colours: a place from 0 to 1 for each, and labels for the legend.
struct HeatScale {
    enum Tone: String, CaseIterable, ExpressibleByArgument {
        case automatic, linear, logarithmic
    }

    let isLogarithmic: Bool
    let least: Double
    let most: Double

    private static let decades = 3.0

    /// The scale of some maps together.
    ///
    /// - Parameter tone: automatic is logarithmic, over three decades, where the largest number is more than 20
    ///   times the mean of those above zero and none is negative.
    init(_ values: Tensor<Float>, tone: Tone) {
        var (smallest, largest, sum, count) = (0.0, 0.0, 0.0, 0)
        values.withUnsafeBufferPointer { values in
            for value in values {
                let value = Double(value)
                smallest = min(smallest, value)
                largest = max(largest, value)
                if value > 0 {
                    sum += value
                    count += 1
                }
            }
        }
        let isPeaked = largest * Double(count) > 20 * sum
        let wantsLogarithm = tone == .logarithmic || (tone == .automatic && isPeaked)
        isLogarithmic = wantsLogarithm && smallest >= 0 && largest > 0
        least = isLogarithmic ? largest * pow(10, -Self.decades) : smallest
        most = largest
    }

    /// From 0 for the least and all below to 1 for the most.
    func place(_ value: Double) -> Double {
        guard most > least else { return 0 }
        guard isLogarithmic else { return min(max((value - least) / (most - least), 0), 1) }
        return value > least ? min(1 + log10(value / most) / Self.decades, 1) : 0
    }

    /// Places and labels for a legend.
    var ticks: [(place: Double, label: String)] {
        let places: [Double] = isLogarithmic ? [0, 1 / 3, 2 / 3, 1] : [0, 0.5, 1]
        return places.map { ($0, Self.label(value(at: $0))) }
    }

    /// The number whose place it is.
    private func value(at place: Double) -> Double {
        guard isLogarithmic else { return least + place * (most - least) }
        return most * pow(10, (place - 1) * Self.decades)
    }

    /// Two significant digits, such as `0.31` or `2.4e-5`.
    static func label(_ value: Double) -> String {
        if value == 0 { return "0" }
        guard value.magnitude < 0.001 || value.magnitude >= 1000 else {
            return String(format: "%.2g", value)
        }
        return String(format: "%.1e", value).replacingOccurrences(of: "e-0", with: "e-")
            .replacingOccurrences(of: "e+0", with: "e")
    }
}
