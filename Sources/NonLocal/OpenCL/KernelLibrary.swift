import Foundation
import NonLocalKernels
import SwiftOpenCL

/// Builds kernels for one context, each variant of a source once.
///
/// Safe from any thread: the cache is kept under a lock.
final class KernelLibrary: Sendable {
    /// A source with the macros that it is compiled with.
    private struct Variant: Hashable {
        let source: KernelSource
        let definitions: [String]
    }

    let context: Context
    private let lock = NSLock()
    private nonisolated(unsafe) var programs: [Variant: Program] = [:]

    init(_ context: Context) { self.context = context }

    /// A kernel by its name in the source.
    ///
    /// - Parameter definitions: macros such as `RESIDUAL` or `WEIGHT(s)=fabs(s)`.
    /// - Throws: `OpenCLError` with file, line, options and log if the source does not build.
    func kernel(_ name: String, in source: KernelSource, _ definitions: [String] = []) throws -> Kernel {
        try Kernel(program(Variant(source: source, definitions: definitions)), name: name)
    }

    private func program(_ variant: Variant) throws -> Program {
        lock.lock()
        defer { lock.unlock() }
        if let program = programs[variant] { return program }
        // Macros with spaces or parentheses are not safe in options: drivers split them in their own ways.
        let macros = variant.definitions.map { definition in
            let parts = definition.split(separator: "=", maxSplits: 1)
            return "#define \(parts[0]) \(parts.count > 1 ? parts[1] : "1")\n"
        }
        let program = try Program(
            context,
            sources: [
                Program.Source(name: "definitions", text: macros.joined()),
                Program.Source(name: KernelSource.view.fileName, text: KernelSource.view.text),
                Program.Source(name: variant.source.fileName, text: variant.source.text),
            ],
            options: ["-cl-std=CL1.2", "-cl-kernel-arg-info"])
        programs[variant] = program
        return program
    }
}
