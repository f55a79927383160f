/// The weight w(s) of the generic pairwise function, as an expression in the score s.
///
/// Written as text, `try WeightExpression("exp(-max(s, 0) / 2)")`, or built: `.exp(-.score / 2)`. From
/// the one expression come the Swift of the reference and the OpenCL C of the kernel.
public indirect enum WeightExpression: Sendable, Hashable {
    /// s
    case score
    case constant(Double)
    case sum(WeightExpression, WeightExpression)
    case difference(WeightExpression, WeightExpression)
    case product(WeightExpression, WeightExpression)
    case quotient(WeightExpression, WeightExpression)
    case minimum(WeightExpression, WeightExpression)
    case maximum(WeightExpression, WeightExpression)
    case exponential(WeightExpression)
    case logarithm(WeightExpression)
    case absolute(WeightExpression)
    case squareRoot(WeightExpression)
}
