import Foundation
import NonLocalKernels
import SwiftOpenCL

/// Builds kernels for one context: the staged ones as one program, since each program costs a driver tens of
/// milliseconds, and those with macros of their own apart.
///
/// Safe from any thread: what was built is kept under a lock.
final class KernelLibrary: Sendable {
    /// A program: sources with the macros that they are compiled with.
    private struct Variant: Hashable {
        let sources: [KernelSource]
        let macros: [String: String]
        var isOptimized = true
    }

    let context: Context
    /// Work-items of a work-group that kernels may have, whatever the device says.
    let mostWorkItems: Int
    private let overriding: [KernelSource: String]
    private let lock = NSLock()
    private nonisolated(unsafe) var programs: [Variant: Program] = [:]

    /// - Parameters:
    ///   - overriding: texts in place of the sources', for tests that plant mistakes in them.
    ///   - mostWorkItems: of a work-group, for tests that play a smaller device.
    init(_ context: Context, overriding: [KernelSource: String] = [:], mostWorkItems: Int? = nil) {
        self.context = context
        self.mostWorkItems = mostWorkItems ?? .max
        self.overriding = overriding
    }

    /// A kernel of the staged strategy by its name in the source.
    ///
    /// - Throws: `OpenCLError` with file, line, options and log if a source does not build.
    func kernel(_ name: String) throws -> Kernel {
        try Kernel(program(Variant(sources: KernelSource.staged, macros: [:])), name: name)
    }

    /// A kernel of certain sources, compiled with macros such as `VECTOR` or `WEIGHT(s)`.
    ///
    /// - Parameters:
    ///   - isOptimized: whether the compiler should take its time.
    ///   - workItems: of a work-group that it has to run in: a driver may have given it so many registers that none
    ///     is as large.
    /// - Throws: `OpenCLError` with file, line, options and log if a source does not build;
    ///   ``NonLocalError/Code/configuration`` if the kernel's work-groups are too small.
    func kernel(
        _ name: String, of sources: [KernelSource], defining macros: [String: String],
        isOptimized: Bool = true, workItems: Int = 1
    ) throws -> Kernel {
        let variant = Variant(sources: sources, macros: macros, isOptimized: isOptimized)
        let kernel = try Kernel(program(variant), name: name)
        guard workItems > 1 else { return kernel }
        let largest = try kernel.workGroupInfo.workGroupSize
        guard largest >= workItems else {
            throw NonLocalError(
                .configuration,
                "\(name) runs in work-groups of \(largest) at most on '\(context.device.name)' as its driver built "
                    + "it, and needs \(workItems)",
                advice: "Use strategy automatic, which takes other kernels then.")
        }
        return kernel
    }

    private func program(_ variant: Variant) throws -> Program {
        lock.lock()
        defer { lock.unlock() }
        if let program = programs[variant] { return program }
        // In the source and not in options, where drivers split them at blanks and parentheses in their own
        // ways.
        let macros = variant.macros.sorted { $0.key < $1.key }.map { "#define \($0) \($1)\n" }.joined()
        let sources = variant.sources.map { source in
            Program.Source(name: source.fileName, text: overriding[source] ?? source.text)
        }
        let program = try Program(
            context, sources: [Program.Source(name: "macros", text: macros)] + sources,
            options: ["-cl-std=CL1.2", "-cl-kernel-arg-info"]
                + (variant.isOptimized ? [] : ["-cl-opt-disable"]))
        programs[variant] = program
        return program
    }
}
