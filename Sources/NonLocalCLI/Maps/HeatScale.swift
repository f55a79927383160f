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

    /// The scale of some maps together, so that their colours can be compared.
    ///
    /// - Parameters:
    ///   - values: a row for each map.
    ///   - tone: automatic is logarithmic where the largest number is more than 20 times the mean of those above
    ///     zero and none is negative. A logarithmic scale goes three decades below the largest number of the
    ///     weakest map, and at most six in all.
    init(_ values: Tensor<Float>, tone: Tone) {
        let columns = max(values.shape.dropFirst().reduce(1, *), 1)
        var (smallest, sum, count) = (0.0, 0.0, 0)
        var largest = [Double](repeating: 0, count: max(values.count / columns, 1))
        values.withUnsafeBufferPointer { values in
            for (index, value) in values.enumerated() {
                let value = Double(value)
                smallest = min(smallest, value)
                largest[index / columns] = max(largest[index / columns], value)
                if value > 0 {
                    sum += value
                    count += 1
                }
            }
        }
        most = largest.max() ?? 0
        let isPeaked = most * Double(count) > 20 * sum
        let wantsLogarithm = tone == .logarithmic || (tone == .automatic && isPeaked)
        isLogarithmic = wantsLogarithm && smallest >= 0 && most > 0
        let weakest = largest.filter { $0 > 0 }.min() ?? most
        least = isLogarithmic ? max(weakest * 1e-3, most * 1e-6) : smallest
    }

    /// From 0 for the least and all below to 1 for the most.
    func place(_ value: Double) -> Double {
        guard most > least else { return 0 }
        guard isLogarithmic else { return min(max((value - least) / (most - least), 0), 1) }
        return value > least ? min(log(value / least) / log(most / least), 1) : 0
    }

    /// Places and labels for a legend: both ends, and what is round between them.
    var ticks: [(place: Double, label: String)] {
        let ends = [least, most].map { (place: $0 == least ? 0.0 : 1, label: Self.label($0)) }
        guard most > least else { return [ends[0]] }
        guard isLogarithmic else { return [ends[0], (0.5, Self.label((least + most) / 2)), ends[1]] }
        let powers = (Int(log10(least).rounded(.down))...Int(log10(most).rounded(.up))).map {
            (place: place(pow(10, Double($0))), label: Self.label(pow(10, Double($0))))
        }
        return [ends[0]] + powers.filter { $0.place > 0 && $0.place < 1 } + [ends[1]]
    }

    /// Two significant digits, such as `0.31` or `2.4e-5`.
    static func label(_ value: Double) -> String {
        if value == 0 { return "0" }
        guard value.magnitude < 0.001 || value.magnitude >= 1000 else {
            return String(format: "%.2g", value)
        }
        return String(format: "%.1e", value).replacingOccurrences(of: ".0e", with: "e")
            .replacingOccurrences(of: "e-0", with: "e-")
            .replacingOccurrences(of: "e+0", with: "e")
    }
}
