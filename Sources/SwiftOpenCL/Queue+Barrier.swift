import COpenCL

extension Queue {
    /// Lets no later command of this queue begin before `events`, of other queues perhaps, are complete.
    @discardableResult
    public func barrier(after events: [Event]) throws(OpenCLError) -> Event {
        try submit("clEnqueueBarrierWithWaitList", after: events) {
            clEnqueueBarrierWithWaitList(handle.pointer, $0, $1, $2)
        }
    }
}
