import SwiftOpenCL

/// Work-items of a launch in each of up to three dimensions, from an offset on.
struct LaunchRange: Sendable, Hashable {
    var global: [Int]
    /// None where it begins at 0.
    var offset: [Int]?

    var count: Int { global.reduce(1, *) }

    /// Ranges that make up this one, none of which has more work-groups along its second or third dimension.
    func parts(local: [Int], mostWorkGroups: Int) -> [LaunchRange] {
        global.indices.dropFirst().reduce([self]) { parts, dimension in
            let (most, overflow) = mostWorkGroups.multipliedReportingOverflow(by: local[dimension])
            guard !overflow, global[dimension] > most else { return parts }
            return parts.flatMap { part in
                stride(from: 0, to: global[dimension], by: most).map { first in
                    var slice = part
                    slice.global[dimension] = min(most, global[dimension] - first)
                    slice.offset = slice.offset ?? global.map { _ in 0 }
                    slice.offset?[dimension] = first
                    return slice
                }
            }
        }
    }
}

extension Device {
    /// Work-groups that a launch may have along its second and third dimension. No query tells: NVIDIA's devices, and
    /// others after their model, have 16 bits for each.
    var mostWorkGroups: Int { type == .cpu ? .max : 65_535 }
}
