extension WeightExpression {
    /// Reads an expression such as `exp(-max(s, 0) / 2)`.
    ///
    /// Known are s, decimal constants such as 2, .5 and 1e-3, the operators + - * / (also −, × and ÷) with
    /// the usual precedence, parentheses, min(a, b), max(a, b), exp, log, abs and sqrt.
    ///
    /// - Throws: ``NonLocalError/Code/expression`` with the column, counted from 1, and what is expected
    ///   there.
    public init(_ text: String) throws(NonLocalError) {
        var parser = try ExpressionParser(text)
        self = try parser.whole()
    }
}

/// By recursive descent:
///
///     sum = product (("+" | "-") product)*      product = signed (("*" | "/") signed)*
///     signed = "-" signed | atom                atom = number | "s" | name "(" sums ")" | "(" sum ")"
private struct ExpressionParser {
    private let text: String
    private let characters: [Character]
    private var position = 0
    private var depth = 0

    /// The limits keep the stack small, here and where the tree is walked.
    private static var longest: Int { 1000 }
    private static var deepest: Int { 64 }

    private static let unary: [String: @Sendable (WeightExpression) -> WeightExpression] = [
        "exp": { .exponential($0) }, "log": { .logarithm($0) }, "abs": { .absolute($0) },
        "sqrt": { .squareRoot($0) },
    ]
    private static let binary: [String: @Sendable (WeightExpression, WeightExpression) -> WeightExpression] =
        [
            "min": { .minimum($0, $1) }, "max": { .maximum($0, $1) },
        ]

    init(_ text: String) throws(NonLocalError) {
        self.text = text
        characters = Array(text.prefix(Self.longest + 1))
        guard characters.count <= Self.longest else {
            throw NonLocalError(
                .expression, "the weight expression is longer than \(Self.longest) characters",
                advice: "Write a shorter one.")
        }
    }

    mutating func whole() throws(NonLocalError) -> WeightExpression {
        let expression = try sum()
        guard next == nil else { throw failure("expected an operator or the end") }
        return expression
    }

    private mutating func sum() throws(NonLocalError) -> WeightExpression {
        var left = try product()
        while true {
            if take("+") {
                left = .sum(left, try product())
            } else if take("-", "−") {
                left = .difference(left, try product())
            } else {
                return left
            }
        }
    }

    private mutating func product() throws(NonLocalError) -> WeightExpression {
        var left = try signed()
        while true {
            if take("*", "×") {
                left = .product(left, try signed())
            } else if take("/", "÷") {
                left = .quotient(left, try signed())
            } else {
                return left
            }
        }
    }

    private mutating func signed() throws(NonLocalError) -> WeightExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw failure("nested deeper than \(Self.deepest)") }
        return take("-", "−") ? -(try signed()) : try atom()
    }

    private mutating func atom() throws(NonLocalError) -> WeightExpression {
        if take("(") {
            let inner = try sum()
            try close()
            return inner
        }
        guard let next else { throw failure("expected s, a number, a function or '('") }
        if next.isASCII, next.isNumber || next == "." { return try number() }
        let start = position
        while position < characters.count, characters[position].isLetter || characters[position].isNumber {
            position += 1
        }
        let name = String(characters[start..<position])
        if name == "s" { return .score }
        if let function = Self.unary[name] {
            try open(name)
            let operand = try sum()
            try close()
            return function(operand)
        }
        if let function = Self.binary[name] {
            try open(name)
            let left = try sum()
            guard take(",") else { throw failure("expected ',' and the second operand of \(name)") }
            let right = try sum()
            try close()
            return function(left, right)
        }
        position = start
        throw failure(
            name.isEmpty ? "expected s, a number, a function or '('" : "the name '\(name)' is not known")
    }

    private mutating func number() throws(NonLocalError) -> WeightExpression {
        let start = position
        func isDigit(_ place: Int) -> Bool {
            place < characters.count && characters[place].isASCII && characters[place].isNumber
        }
        while isDigit(position) || position < characters.count && characters[position] == "." {
            position += 1
        }
        if position < characters.count, "eE".contains(characters[position]) {
            var exponent = position + 1
            if exponent < characters.count, "+-".contains(characters[exponent]) { exponent += 1 }
            if isDigit(exponent) {
                position = exponent
                while isDigit(position) { position += 1 }
            }
        }
        let literal = String(characters[start..<position])
        guard let value = Double(literal.hasSuffix(".") && literal != "." ? literal + "0" : literal) else {
            position = start
            throw failure("'\(literal)' is not a number")
        }
        guard Float(value).isFinite else {
            position = start
            throw failure("the number \(literal) is too large for float32")
        }
        return .constant(value)
    }

    private mutating func open(_ name: String) throws(NonLocalError) {
        guard take("(") else { throw failure("expected '(' after \(name)") }
    }

    private mutating func close() throws(NonLocalError) {
        guard take(")") else { throw failure("expected an operator or ')'") }
    }

    /// The next character that is not white space, without taking it.
    private var next: Character? {
        mutating get {
            while position < characters.count, characters[position].isWhitespace { position += 1 }
            return position < characters.count ? characters[position] : nil
        }
    }

    private mutating func take(_ wanted: Character...) -> Bool {
        guard let next, wanted.contains(next) else { return false }
        position += 1
        return true
    }

    private mutating func failure(_ message: String) -> NonLocalError {
        let found = next.map { ", found '\($0)'" } ?? ", found the end"
        return NonLocalError(
            .expression,
            "the weight expression '\(text)', column \(position + 1): \(message)\(message.hasPrefix("expected") ? found : "")",
            advice: "Known are s, numbers, + - * / ( ), min(a, b), max(a, b), exp, log, abs and sqrt.")
    }
}
