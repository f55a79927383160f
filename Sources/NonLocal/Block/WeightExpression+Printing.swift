import Foundation

extension WeightExpression: CustomStringConvertible {
    /// The expression as ``init(_:)`` reads it, with no more parentheses than it needs.
    public var description: String { text(within: .sum) }

    /// How tightly an operator binds.
    private enum Binding: Int {
        case sum, product, sign, atom
    }

    private var binding: Binding {
        switch self {
        case .sum, .difference: .sum
        case .product(.constant(-1), let operand) where operand.canHaveSign: .sign
        case .product, .quotient: .product
        case .constant(let value): value.sign == .minus ? .sign : .atom
        default: .atom
        }
    }

    /// A constant would take the sign into itself.
    private var canHaveSign: Bool {
        if case .constant = self { return false }
        return true
    }

    private func text(within outer: Binding) -> String {
        binding.rawValue < outer.rawValue ? "(\(bare))" : bare
    }

    private var bare: String {
        switch self {
        case .score: "s"
        case .constant(let value): Self.text(value)
        case .sum(let left, let right): "\(left.text(within: .sum)) + \(right.text(within: .product))"
        case .difference(let left, let right): "\(left.text(within: .sum)) - \(right.text(within: .product))"
        case .product(.constant(-1), let operand) where operand.canHaveSign: "-\(operand.text(within: .atom))"
        case .product(let left, let right): "\(left.text(within: .product)) * \(right.text(within: .sign))"
        case .quotient(let left, let right): "\(left.text(within: .product)) / \(right.text(within: .sign))"
        case .minimum(let left, let right): "min(\(left), \(right))"
        case .maximum(let left, let right): "max(\(left), \(right))"
        case .exponential(let operand): "exp(\(operand))"
        case .logarithm(let operand): "log(\(operand))"
        case .absolute(let operand): "abs(\(operand))"
        case .squareRoot(let operand): "sqrt(\(operand))"
        }
    }

    private static func text(_ value: Double) -> String {
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// The expression in OpenCL C, in float32, as a function of the variable `s`.
    ///
    /// Constants are written in hexadecimal, so that every compiler reads the same number.
    public var openCL: String {
        switch self {
        case .score: "s"
        case .constant(let value): Self.openCL(Float(value))
        case .sum(let left, let right): "(\(left.openCL) + \(right.openCL))"
        case .difference(let left, let right): "(\(left.openCL) - \(right.openCL))"
        case .product(let left, let right): "(\(left.openCL) * \(right.openCL))"
        case .quotient(let left, let right): "(\(left.openCL) / \(right.openCL))"
        case .minimum(let left, let right): "fmin(\(left.openCL), \(right.openCL))"
        case .maximum(let left, let right): "fmax(\(left.openCL), \(right.openCL))"
        case .exponential(let operand): "exp(\(operand.openCL))"
        case .logarithm(let operand): "log(\(operand.openCL))"
        case .absolute(let operand): "fabs(\(operand.openCL))"
        case .squareRoot(let operand): "sqrt(\(operand.openCL))"
        }
    }

    private static func openCL(_ value: Float) -> String {
        if value.isNaN { return "NAN" }
        if value.isInfinite { return value < 0 ? "(-INFINITY)" : "INFINITY" }
        let literal = String(format: "%af", Double(value.magnitude))
        return value.sign == .minus ? "(-\(literal))" : literal
    }
}
