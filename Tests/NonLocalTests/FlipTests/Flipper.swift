import Foundation
import SwiftOpenCL

@testable import NonLocal

/// A buffer between two kernels in which a number is to be made wrong.
struct FlipTarget: Sendable {
    /// What it holds.
    let name: String
    /// The kernel that writes it, which launch of it, and which of its arguments it is.
    let kernel: String
    var launch = 1
    let argument: Int
}

/// Makes one number wrong as soon as the kernel that writes it is done.
///
/// `@unchecked Sendable`: one run at a time.
final class Flipper: @unchecked Sendable {
    /// What becomes of the number.
    enum Fault: Sendable {
        case bit(Int)
        /// It is another number of the same tensor.
        case swapped
    }

    private var target: FlipTarget?
    private var fault = Fault.swapped
    private var random = SplitMix64(seed: 0)
    private var launches = 0
    private(set) var isDone = false

    /// - Parameter random: from which place and fault follow.
    func arm(_ target: FlipTarget?, _ random: SplitMix64) {
        self.target = target
        self.random = random
        (launches, isDone) = (0, false)
        let draw = self.random.next()
        fault = draw % 2 == 0 ? .bit(Int(draw >> 8) % 32) : .swapped
    }

    func observe(_ queue: Queue, _ kernel: String, _ arguments: [any KernelArgument]) throws {
        guard let target, target.kernel == kernel else { return }
        launches += 1
        guard launches == target.launch, let buffer = arguments[target.argument] as? Buffer<Float> else {
            return
        }
        isDone = true
        func place() -> Int { Int(random.next() % UInt64(buffer.count)) }
        func number(_ place: Int) throws -> Float { try queue.read(buffer, range: place..<place + 1)[0] }
        let at = place()
        let wrong =
            switch fault {
            case .bit(let bit): Float(bitPattern: try number(at).bitPattern ^ (1 << UInt32(bit)))
            case .swapped: try number(place())
            }
        try queue.write([wrong], to: buffer, at: at)
    }
}
