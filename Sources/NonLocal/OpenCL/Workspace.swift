import SwiftOpenCL

/// The buffers of a layout, allocated once and used again from call to call.
struct Workspace: Sendable {
    private let buffers: [BufferRole: Buffer<Float>]

    init(_ layout: StagedLayout, in context: Context) throws {
        buffers = try layout.elements.mapValues { try Buffer(context, count: $0) }
    }

    /// The buffer of a role, if the layout has it.
    subscript(role: BufferRole) -> Buffer<Float>? { buffers[role] }

    /// The buffer of a role that a step can't do without.
    ///
    /// - Throws: ``NonLocalError/Code/memory`` if the layout left it out, which is a defect of the plan.
    func required(_ role: BufferRole) throws(NonLocalError) -> Buffer<Float> {
        guard let buffer = buffers[role] else {
            throw NonLocalError(.memory, "the plan has no buffer for \(role.rawValue)")
        }
        return buffer
    }
}
