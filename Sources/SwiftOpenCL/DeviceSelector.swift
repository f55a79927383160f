import Foundation

/// How a caller says which device to use.
///
/// As text: a number (the position in ``Device/all()``), `gpu`, `cpu`, `automatic` or nothing, or any part
/// of a device's or platform's name.
public enum DeviceSelector: Sendable, Hashable {
    /// What the environment variable `NONLOCAL_DEVICE` says; without it a GPU before an accelerator before
    /// a CPU.
    case automatic
    /// The first GPU.
    case gpu
    /// The first CPU device.
    case cpu
    /// The device at this position in ``Device/all()``.
    case index(Int)
    /// The first device whose name, or whose platform's name, contains this text in any case.
    case named(String)

    /// The environment variable that `automatic` looks at.
    public static let environmentVariable = "NONLOCAL_DEVICE"

    /// Reads a selector from text as people type it; blanks around it don't matter.
    public init(_ text: String) {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        switch text.lowercased() {
        case "", "automatic": self = .automatic
        case "gpu": self = .gpu
        case "cpu": self = .cpu
        default: self = Int(text).map(Self.index) ?? .named(text)
        }
    }
}

extension DeviceSelector: CustomStringConvertible {
    /// The text that ``init(_:)`` reads.
    public var description: String {
        switch self {
        case .automatic: "automatic"
        case .gpu: "gpu"
        case .cpu: "cpu"
        case .index(let index): "\(index)"
        case .named(let name): name
        }
    }
}
