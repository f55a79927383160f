/// Lets a check happen when the last one has come to less than a twentieth of the work since.
struct CheckBudget: Sendable {
    private var cost = 0.0
    private var work = 0.0

    /// Whether there is time for a check.
    var allows: Bool { cost <= 0.05 * work }

    /// Takes down what work took, and the check that came after it, if one did.
    mutating func worked(_ seconds: Double, then report: ValidationReport) {
        work += seconds
        guard report.rows > 0 else { return }
        cost = report.seconds
        work = 0
    }
}

extension Validation {
    /// Whether there is time for it: devices with memory of their own compute far faster than the reference.
    func isAffordable(_ budget: CheckBudget, on session: OpenCLSession?) -> Bool {
        self == .full || session?.sharesHostMemory ?? true || budget.allows
    }
}
