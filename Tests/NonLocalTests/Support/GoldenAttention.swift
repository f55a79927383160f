import Foundation
import Testing

/// PyTorch's errors in attention by itself, on numbers that `noise` gives; see `Golden/make_attention.py`.
struct GoldenAttention: Decodable, CustomTestStringConvertible, Sendable {
    let width: Int
    let values: Int
    let rows: Int
    let keys: Int
    /// Errors relative to the largest |y|.
    let float16: Double
    let bfloat16: Double

    var testDescription: String { "d \(width), d_v \(values), \(rows) × \(keys)" }

    static func all() throws -> [GoldenAttention] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Golden/attention.json")
        return try JSONDecoder().decode([GoldenAttention].self, from: Data(contentsOf: file))
    }
}
