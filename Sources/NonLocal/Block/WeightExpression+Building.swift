import Foundation

extension WeightExpression: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
    /// A constant.
    public init(floatLiteral value: Double) { self = .constant(value) }
    /// A constant.
    public init(integerLiteral value: Int) { self = .constant(Double(value)) }

    /// The sum of two expressions.
    public static func + (left: WeightExpression, right: WeightExpression) -> WeightExpression {
        .sum(left, right)
    }

    /// The difference of two expressions.
    public static func - (left: WeightExpression, right: WeightExpression) -> WeightExpression {
        .difference(left, right)
    }

    /// The product of two expressions.
    public static func * (left: WeightExpression, right: WeightExpression) -> WeightExpression {
        .product(left, right)
    }

    /// The quotient of two expressions.
    public static func / (left: WeightExpression, right: WeightExpression) -> WeightExpression {
        .quotient(left, right)
    }

    /// The negative of an expression: a negative constant, or −1 times anything else.
    public static prefix func - (operand: WeightExpression) -> WeightExpression {
        if case .constant(let value) = operand { return .constant(-value) }
        return .product(.constant(-1), operand)
    }

    /// e to the power of an expression.
    public static func exp(_ operand: WeightExpression) -> WeightExpression { .exponential(operand) }

    /// The natural logarithm of an expression.
    public static func log(_ operand: WeightExpression) -> WeightExpression { .logarithm(operand) }

    /// The absolute value of an expression.
    public static func abs(_ operand: WeightExpression) -> WeightExpression { .absolute(operand) }

    /// The square root of an expression.
    public static func sqrt(_ operand: WeightExpression) -> WeightExpression { .squareRoot(operand) }

    /// The smaller of two expressions.
    public static func min(_ left: WeightExpression, _ right: WeightExpression) -> WeightExpression {
        .minimum(left, right)
    }

    /// The larger of two expressions.
    public static func max(_ left: WeightExpression, _ right: WeightExpression) -> WeightExpression {
        .maximum(left, right)
    }
}

extension WeightExpression {
    /// w(s) in double precision: what the reference computes.
    ///
    /// Not a number where the formula has no value, such as log(−1). As in OpenCL C, min and max of a
    /// number and not-a-number are the number.
    public func evaluate(at s: Double) -> Double {
        switch self {
        case .score: s
        case .constant(let value): value
        case .sum(let left, let right): left.evaluate(at: s) + right.evaluate(at: s)
        case .difference(let left, let right): left.evaluate(at: s) - right.evaluate(at: s)
        case .product(let left, let right): left.evaluate(at: s) * right.evaluate(at: s)
        case .quotient(let left, let right): left.evaluate(at: s) / right.evaluate(at: s)
        case .minimum(let left, let right): fmin(left.evaluate(at: s), right.evaluate(at: s))
        case .maximum(let left, let right): fmax(left.evaluate(at: s), right.evaluate(at: s))
        case .exponential(let operand): Foundation.exp(operand.evaluate(at: s))
        case .logarithm(let operand): Foundation.log(operand.evaluate(at: s))
        case .absolute(let operand): Swift.abs(operand.evaluate(at: s))
        case .squareRoot(let operand): operand.evaluate(at: s).squareRoot()
        }
    }
}
