import NonLocalKernels

@testable import NonLocal

/// One small change of one kernel file, as a slip of the hand would make it.
struct Mutant: Sendable {
    let source: KernelSource
    /// Where the text stands in the file, in bytes of UTF-8.
    let range: Range<Int>
    let replacement: String

    /// The file's text with the change.
    var text: String {
        var bytes = Array(source.text.utf8)
        bytes.replaceSubrange(range, with: replacement.utf8)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The file, its line before and its line after: the same wherever in the file the line moves.
    var description: String {
        let bytes = Array(source.text.utf8), newLine = UInt8(ascii: "\n")
        let start = bytes[..<range.lowerBound].lastIndex(of: newLine).map { $0 + 1 } ?? 0
        let end = bytes[range.upperBound...].firstIndex(of: newLine) ?? bytes.count
        func words(_ bytes: some Sequence<UInt8>) -> String {
            String(decoding: Array(bytes), as: UTF8.self).split(whereSeparator: \.isWhitespace)
                .joined(separator: " ")
        }
        let after = bytes[start..<range.lowerBound] + Array(replacement.utf8) + bytes[range.upperBound..<end]
        return "\(source.fileName): \(words(bytes[start..<end])) ⟶ \(words(after))"
    }
}

extension Mutant {
    /// Files with nothing to hold against the reference: what the device could do at most, what only an NVIDIA
    /// device runs, and the instrument that the warp kernels are checked with.
    static let exempt: Set<KernelSource> = [.roof, .warpPTX, .warpTwin]

    /// Every mutant of every file, those of small files early: the first N are a fair sample for each N.
    static func all(seed: UInt64) -> [Mutant] {
        var generator = SplitMix64(seed: seed)
        var keyed: [(key: Double, mutant: Mutant)] = []
        for source in KernelSource.allCases where !exempt.contains(source) {
            let mutants = MutantRules.mutants(of: source).shuffled(using: &generator)
            let weight = Double(mutants.count).squareRoot()
            let offset = Double.random(in: 0..<1, using: &generator)
            keyed += mutants.enumerated().map { ((Double($0) + offset) / weight, $1) }
        }
        return keyed.sorted { $0.key < $1.key }.map(\.mutant)
    }
}
