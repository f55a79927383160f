import Foundation
import NonLocal
import Testing

@Suite struct WeightExpressionTests {
    @Test(arguments: [
        ("s", 3.0, 3.0),
        ("2", 9, 2),
        (".5", 0, 0.5), ("5.", 0, 5), ("1e-3", 0, 1e-3), ("2.5E+2", 0, 250),
        ("1 + 2 * 3", 0, 7), ("(1 + 2) * 3", 0, 9), ("8 - 4 - 2", 0, 2), ("8 / 4 / 2", 0, 1),
        ("2 × 6 ÷ 4 − 1", 0, 2),
        ("-s", 4, -4), ("--s", 4, 4), ("-s * s", 4, -16), ("2 - -3", 0, 5), ("-2 * -s", 3, 6),
        ("exp(-max(s, 0) / 2)", 2, 0.36787944117144233),
        ("exp( - max( s,0 )/2 )", -7, 1),
        ("log(s)", 1, 0), ("abs(s)", -3, 3), ("sqrt(s)", 9, 3), ("min(s, 1) + max(s, 1)", 5, 6),
        ("log(0 - 1)", 0, .nan), ("max(log(-1), s)", 2, 2), ("1 / s", 0, .infinity),
    ])
    func evaluates(text: String, s: Double, expected: Double) throws {
        let value = try WeightExpression(text).evaluate(at: s)
        #expect(value == expected || value.isNaN && expected.isNaN, "\(value)")
    }

    @Test func reads() throws {
        #expect(try WeightExpression("exp(-s / 2)") == .exp(-.score / 2))
        #expect(try WeightExpression("-2") == -2.0)
        #expect(try WeightExpression("1 - s * min(s, 4)") == 1 - .score * .min(.score, 4))
        #expect(
            try WeightExpression("max(sqrt(abs(s)), log(s)) + 1") == .max(.sqrt(.abs(.score)), .log(.score))
                + 1)
    }

    @Test(arguments: [
        ("", 1, "found the end"), ("   ", 4, "found the end"), ("s s", 3, "expected an operator"),
        ("2s", 2, "expected an operator"), ("s +", 4, "found the end"), ("* s", 1, "found '*'"),
        ("(s", 3, "')'"), ("s)", 2, "found ')'"), ("exp s", 5, "expected '(' after exp"),
        ("max(s)", 6, "second operand of max"), ("exp(s, s)", 6, "')'"), ("min(,s)", 5, "found ','"),
        ("s + foo(s)", 5, "'foo' is not known"), ("inf", 1, "'inf' is not known"),
        ("nan", 1, "'nan' is not known"),
        ("1.2.3", 1, "'1.2.3' is not a number"), (".", 1, "not a number"), ("1e", 2, "expected an operator"),
        ("2 * 1e39", 5, "too large for float32"), ("1e999", 1, "too large"), ("s ^ 2", 3, "found '^'"),
        ("0x10", 2, "expected an operator"), ("s₂", 1, "'s₂' is not known"), ("٣", 1, "'٣' is not known"),
        ("𝒔", 1, "not known"), ("s\0", 2, "expected an operator"),
    ])
    func refuses(text: String, column: Int, says: String) {
        let error = failure(.expression) { _ = try WeightExpression(text) }
        #expect(error?.message.contains("column \(column):") == true, "\(String(describing: error))")
        #expect(error?.message.contains(says) == true, "\(String(describing: error))")
        #expect(error?.advice.contains("min(a, b), max(a, b), exp, log, abs and sqrt") == true)
    }

    @Test func refusesDepthAndLength() {
        for text in [
            String(repeating: "(", count: 500), String(repeating: "-", count: 900) + "s",
            String(repeating: "exp(", count: 200), String(repeating: "s+", count: 100_000) + "s",
        ] {
            _ = failure(.expression) { _ = try WeightExpression(text) }
        }
    }

    @Test func longChainsWork() throws {
        let text = Array(repeating: "s", count: 500).joined(separator: "+")
        let expression = try WeightExpression(text)
        #expect(expression.evaluate(at: 1) == 500)
        #expect(expression.description.count == 500 + 499 * 3)
    }

    @Test(arguments: [
        "s", "-s", "-(-s)", "s - (s - 1)", "s - s - 1", "s / (s / 2)", "s * (s / 2)", "(s + 1) * 2",
        "-(s + 1)",
        "-(s * 2)", "-s * 2", "-1 * 2", "-1 * -2", "s - -2", "-2 + s", "2 * -s", "exp(-max(s, 0) / 2)",
        "min(s + 1, s - 1)", "1e-05 * s", "1e+16 + 0.1", "log(abs(sqrt(s)))",
    ])
    func printsWhatItReads(text: String) throws {
        #expect(try WeightExpression(text).description == text)
    }

    @Test func printedTreesParseToThemselves() throws {
        var generator = SplitMix64(seed: 7)
        for _ in 0..<500 {
            let tree = randomTree(depth: 5, &generator)
            let text = tree.description
            guard text.count <= 1000 else { continue }
            #expect(try WeightExpression(text) == tree, "\(text)")
        }
    }

    @Test func writesOpenCL() throws {
        let text = try WeightExpression("exp(-max(s, 0.1) / 2)").openCL
        #expect(text == "exp((((-0x1p+0f) * fmax(s, 0x1.99999ap-4f)) / 0x1p+1f))")
        #expect(
            try WeightExpression("sqrt(abs(s)) - log(min(s, 3))").openCL
                == "(sqrt(fabs(s)) - log(fmin(s, 0x1.8p+1f)))")
        #expect(WeightExpression.constant(.infinity).openCL == "INFINITY")
        #expect(WeightExpression.constant(-1e300).openCL == "(-INFINITY)")
        #expect(WeightExpression.constant(.nan).openCL == "NAN")
        #expect(WeightExpression.constant(1e-45).openCL == "0x1p-149f")
    }

    private func randomTree(depth: Int, _ generator: inout SplitMix64) -> WeightExpression {
        let kind = Int.random(in: 0..<(depth == 0 ? 2 : 13), using: &generator)
        if kind == 0 { return .score }
        if kind == 1 {
            let value = Double.random(in: -10...10, using: &generator)
            return .constant(Bool.random(using: &generator) ? value : value.rounded())
        }
        let left = randomTree(depth: depth - 1, &generator)
        if kind < 7 {
            return [.exponential(left), .logarithm(left), .absolute(left), .squareRoot(left), -left][kind - 2]
        }
        let right = randomTree(depth: depth - 1, &generator)
        return [
            .sum(left, right), .difference(left, right), .product(left, right), .quotient(left, right),
            .minimum(left, right), .maximum(left, right),
        ][kind - 7]
    }
}
