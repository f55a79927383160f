public import Foundation

/// What went wrong in the library, and what to do about it.
///
/// OpenCL's own failures arrive as `OpenCLError`.
public struct NonLocalError: Error, Sendable, Equatable {
    /// The kind of failure, for callers that act on it.
    public enum Code: String, Sendable {
        /// A tensor's shape is not of the form that is needed, or has a zero or overflowing extent.
        case shape
        /// A configuration contradicts itself or the input.
        case configuration
        /// Weights don't fit the configuration.
        case weights
        /// A file lacks a tensor that is needed.
        case missingKey
        /// A file holds several blocks and no prefix says which.
        case ambiguousPrefix
        /// A file can't be opened, read or written.
        case file
        /// A file's contents are not of its format.
        case format
        /// An expression for the pairwise weight can't be parsed.
        case expression
        /// NaN or infinity where finite numbers are needed.
        case nonFinite
        /// More memory is needed than there is or than the limit allows.
        case memory
        /// A result differs from the reference by more than the tolerance.
        case mismatch
    }

    /// The kind of failure.
    public let code: Code
    /// What failed, on what, in one sentence.
    public let message: String
    /// What to do about it, in one sentence; empty where the message says it all.
    public let advice: String
    /// For ``Code/mismatch``: where, and by how much.
    public let mismatch: Mismatch?

    /// A failure of a kind, with what failed and what to do about it.
    public init(_ code: Code, _ message: String, advice: String = "", mismatch: Mismatch? = nil) {
        self.code = code
        self.message = message
        self.advice = advice
        self.mismatch = mismatch
    }
}

extension NonLocalError: CustomStringConvertible, LocalizedError {
    /// The message, and the advice in a line of its own.
    public var description: String { advice.isEmpty ? message : "\(message)\n\(advice)" }
    /// The same as ``description``, for Foundation.
    public var errorDescription: String? { description }
}
