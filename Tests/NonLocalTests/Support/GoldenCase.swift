import Foundation
import Testing

@testable import NonLocal

/// A small block with its input and the output that other people's code gives, see `Golden/README.md`.
struct GoldenCase: CustomTestStringConvertible, Sendable {
    let path: String

    var testDescription: String { URL(filePath: path).deletingPathExtension().lastPathComponent }

    static let all: [GoldenCase] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Golden/cases")
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
        return files.filter { $0.hasSuffix(".safetensors") }.sorted()
            .map { GoldenCase(path: folder.appending(path: $0).path()) }
    }()

    /// Those in two dimensions whose weights are a softmax.
    static let ofSoftmax = all.filter { golden in
        golden.testDescription.contains("2d")
            && !["dot-product", "concatenation"].contains { golden.testDescription.contains($0) }
    }

    /// The case as a block, its input, its output in float64, and PyTorch's errors in float32, float16 and bfloat16.
    struct Contents {
        let block: NonLocalBlock
        let x: Tensor<Float>
        let z: Tensor<Double>
        let peerErrors: [Precision: Double]
    }

    func read() throws -> Contents {
        let file = try SafeTensors(path)
        let about = file.metadata
        func value<Value>(_ key: String, _ parse: (String) -> Value?) throws -> Value {
            let value = about[key].flatMap(parse)
            return try #require(value, "\(testDescription) lacks '\(key)'")
        }
        let source = try BlockFile(
            file, dialect: value("dialect", Dialect.init), prefix: value("prefix") { $0 })
        var (configuration, weights) = (source.configuration, source.weights)
        configuration.pairwise = try value("pairwise") { name in
            [.gaussian, .embeddedGaussian, .dotProduct, .concatenation].first { $0.name == name }
        }
        configuration.subsample = try value("subsample", Subsample.init)
        configuration.pool = try value("pool", Self.pool)
        configuration.scale = try value("scale", Self.scale)
        configuration.scope = try value("scope", Scope.init)
        configuration.layout = try value("layout", Layout.init)
        if let groups = about["groups"].flatMap({ Int($0) }) { weights.groupNorm?.groups = groups }
        return Contents(
            block: try NonLocalBlock(configuration, weights: weights),
            x: try file.tensor("x", as: Float.self), z: try file.tensor("z", as: Double.self),
            peerErrors: try Dictionary(
                uniqueKeysWithValues: [Precision.float32, .float16, .bfloat16].map {
                    ($0, try value("torch_\($0.rawValue)_error") { Double($0) })
                }))
    }

    private static func pool(_ text: String) -> Pool? {
        let parts = text.split(separator: ",")
        if text.isEmpty { return .standard }
        if parts.first == "flat" { return Int(parts[1]).map(Pool.flat) }
        let sizes = parts.compactMap { Int($0) }
        return sizes.count == 3 ? .window(t: sizes[0], h: sizes[1], w: sizes[2]) : nil
    }

    private static func scale(_ text: String) -> Scale? {
        switch text {
        case "none": Scale.none
        case "sqrt": .inverseSquareRoot
        default: Double(text).map(Scale.factor)
        }
    }
}
