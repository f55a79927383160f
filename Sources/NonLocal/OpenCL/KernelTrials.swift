import Foundation
import SwiftOpenCL

/// Kernels as they are compiled for a device, which have to pass a test on it before they are used: drivers have
/// got tiled kernels wrong before.
enum KernelFamily: Sendable, Hashable {
    /// Of operands kept in a precision.
    case tileProduct(GroupTile, Precision = .float32)
    /// Which leaves weights in a precision.
    case tileSoftmax(Precision = .float32)
    case tileCentre
    /// With that many blocks of value channels, and θ, φ and g kept in a precision.
    case tileAttention(GroupTile, values: Int, Precision = .float32)
    case tileSorted(GroupTile)
    case warpProduct(WarpTile.Arithmetic)
    /// Attention in stages.
    case warpStages(WarpTile.Arithmetic)
    case warpAttention(WarpVariant)

    /// The class of its kernels.
    var kernels: KernelClass {
        switch self {
        case .tileProduct, .tileSoftmax, .tileCentre, .tileAttention, .tileSorted: .tile
        case .warpProduct, .warpStages, .warpAttention: .warp
        }
    }

    /// The kernel, as `verify` names it.
    var name: String {
        switch self {
        case .tileProduct: "tile_product"
        case .tileSoftmax: "tile_softmax"
        case .tileCentre: "tile_centre"
        case .tileAttention: "tile_attention"
        case .tileSorted: "tile_sorted_aggregate"
        case .warpProduct, .warpStages: "warp_product"
        case .warpAttention: "warp_attention"
        }
    }
}

/// What the tests of a session's kernels gave, each run once.
///
/// Safe from any thread.
final class KernelTrials: Sendable {
    private let lock = NSLock()
    private nonisolated(unsafe) var failures: [KernelFamily: String?] = [:]

    /// What is wrong with a family, if anything; `test` finds out, the first time.
    func failure(of family: KernelFamily, _ test: () -> String?) -> String? {
        lock.lock()
        defer { lock.unlock() }
        if let known = failures[family] { return known }
        let failure = test()
        failures[family] = .some(failure)
        return failure
    }
}

extension Method {
    /// The kernels that have to be trusted for it.
    func families(_ sizes: PairSizes) -> [KernelFamily] {
        if let warp {
            guard strategy == .fused else {
                return [.warpProduct(warp.arithmetic), .warpStages(warp.arithmetic), .tileSoftmax()]
            }
            let variant = try? warp.variant(width: sizes.width, values: sizes.valueChannels)
            return [.warpProduct(warp.arithmetic)] + (variant.map { [.warpAttention($0)] } ?? [])
        }
        guard let tile = groupTile else { return [] }
        let stored = precision.stored
        switch strategy {
        case .fused:
            let values = tile.values(of: sizes.valueChannels)
            return [.tileProduct(tile, stored), .tileAttention(tile, values: values, stored)]
        case .reassociated: return [.tileProduct(tile)] + (order?.projectsKeys == false ? [.tileCentre] : [])
        case .sorted: return [.tileProduct(tile), .tileSorted(tile)]
        default: return [.tileProduct(tile, stored), .tileSoftmax(stored)]
        }
    }
}

extension OpenCLSession {
    /// Those of the methods whose kernels pass their tests on this device, and what to say of the others.
    ///
    /// - Throws: ``NonLocalError/Code/configuration`` if none is left.
    func passing(
        _ methods: [Method], _ sizes: PairSizes, _ options: RunOptions
    ) throws(NonLocalError) -> (methods: [Method], notes: [String]) {
        guard options.testsKernels else { return (methods, []) }
        var notes: [String] = []
        func add(_ note: String) {
            if !notes.contains(note) { notes.append(note) }
        }
        let fitting = methods.map { method in
            let (method, shortages) = method.fitting(library, sizes)
            shortages.forEach(add)
            return withPassingTile(method, sizes, add)
        }
        let passing = fitting.filter { method in
            let failed = method.families(sizes).first { failure(of: $0) != nil }
            guard let failed, let failure = failure(of: failed) else { return true }
            add("the \(failed.name) kernels are off: \(failure)")
            return false
        }
        guard !passing.isEmpty else {
            throw NonLocalError(
                .configuration, notes.joined(separator: "; "), advice: "Use strategy automatic or staged.")
        }
        return (passing, notes)
    }

    /// The same with the first tile of the warp kernels' fused attention that passes its test, and a word on those that
    /// don't; itself if none does.
    private func withPassingTile(_ method: Method, _ sizes: PairSizes, _ note: (String) -> Void) -> Method {
        guard method.strategy == .fused, let warp = method.warp else { return method }
        var notes: [String] = []
        for alternative in warp.alternatives(sizes) {
            guard
                let variant = try? alternative.variant(width: sizes.width, values: sizes.valueChannels)
            else { break }
            guard let failure = failure(of: .warpAttention(variant)) else {
                notes.forEach(note)
                var method = method
                method.warp = alternative
                return method
            }
            notes.append("the warp_attention kernels with \(variant.tile.name) are off: \(failure)")
        }
        return method
    }

    private func failure(of family: KernelFamily) -> String? {
        trials.failure(of: family) {
            let outcome = VerificationProblems(session: self, kernels: family.kernels).trial(of: family)
                .outcome()
            guard !outcome.passed else { return nil }
            return "\(outcome.problem) fails on '\(device.name)': \(outcome.message ?? "no result")"
        }
    }
}
