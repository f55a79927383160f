/// What the command's own `Failure` is to its reader of pictures, without the argument parser.
struct Failure: Error {
    let message: String

    init(_ message: String, advice: String = "") { self.message = "\(message)\n\(advice)" }
}
