import ArgumentParser
import NonLocal
import SwiftOpenCL

/// The command's exit statuses; wrong usage is the argument parser's 64.
enum ExitStatus {
    static let failed: Int32 = 1
    static let mismatch: Int32 = 2
    static let interrupted: Int32 = 130
}

/// What the command says, and its exit status, when it can't do what was asked.
struct Failure: Error {
    /// One line that says what failed, then detail.
    let message: String
    let status: Int32

    init(_ message: String, advice: String = "", status: Int32 = ExitStatus.failed) {
        self.message = advice.isEmpty ? message : "\(message)\n\(advice)"
        self.status = status
    }

    /// None for what the argument parser itself reports: help, wrong usage.
    init?(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as NonLocalError:
            self.init(
                error.description, status: error.code == .mismatch ? ExitStatus.mismatch : ExitStatus.failed)
        case let error as OpenCLError: self.init(error.description)
        default: return nil
        }
    }
}
