import SwiftOpenCL

/// The buffers of a schedule, allocated once and used again from call to call.
struct Workspace: Sendable {
    let schedule: Schedule
    private let buffers: [BufferRole: Buffer<Float>]

    init(_ schedule: Schedule, in session: OpenCLSession) throws {
        self.schedule = schedule
        buffers = try schedule.elements.mapValues(session.allocate)
        // Kernels write whole tensors, but not what fills a packed one up.
        for role in [BufferRole.packedPhi, .packedG] {
            if let buffer = buffers[role] { try session.queue.fill(buffer, with: 0) }
        }
    }

    /// The buffers of a schedule or, where the device can't give as much, of one with smaller blocks.
    ///
    /// - Parameter work: what the schedule is for.
    /// - Throws: the device's `OpenCLError` if the smallest is too large as well.
    init(_ schedule: Schedule, orLessFor work: Workload, in session: OpenCLSession) throws {
        do {
            try self.init(schedule, in: session)
        } catch let error as OpenCLError where error.isShortOfMemory {
            // Limits halfway and nearer: the smallest schedule may be more than half of this one.
            let smaller = [2, 4, 8, 16].lazy.compactMap { part in
                try? Schedule(work, limit: schedule.bytes - schedule.bytes / part, device: session.device)
            }.first { $0.bytes < schedule.bytes }
            guard let smaller else { throw error }
            try self.init(smaller, orLessFor: work, in: session)
        }
    }

    /// The buffer of a role, if the schedule has it.
    subscript(role: BufferRole) -> Buffer<Float>? { buffers[role] }

    /// The buffer of a role that a step can't do without.
    ///
    /// - Throws: ``NonLocalError/Code/memory`` if the schedule left it out, which is a defect of the plan.
    func required(_ role: BufferRole) throws(NonLocalError) -> Buffer<Float> {
        guard let buffer = buffers[role] else {
            throw NonLocalError(.memory, "the plan has no buffer for \(role.rawValue)")
        }
        return buffer
    }

    /// Begins a run, none of whose numbers have failed to fit so far.
    func forgetMisfits(_ queue: Queue) throws {
        if let misfits = buffers[.misfits] { try queue.fill(misfits, with: 0) }
    }

    /// Whether a number of the last run did not fit the precision.
    func hasMisfits(_ queue: Queue) throws -> Bool {
        try buffers[.misfits].map { try queue.read($0).contains { $0.bitPattern != 0 } } ?? false
    }

    /// The row blocks of the staged strategy.
    ///
    /// - Throws: ``NonLocalError/Code/configuration`` if the schedule is of another strategy.
    func blocks() throws(NonLocalError) -> RowBlocks {
        guard let blocks = schedule.blocks else {
            throw NonLocalError(.configuration, "the plan has no row blocks")
        }
        return blocks
    }
}
