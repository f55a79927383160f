/// The weight w(s) of the generic pairwise function, as an expression in the score s.
///
/// Written as text, `try WeightExpression("exp(-max(s, 0) / 2)")`, or built: `.exp(-.score / 2)`. From
/// the one expression come the Swift of the reference and the OpenCL C of the kernel.
public indirect enum WeightExpression: Sendable, Hashable {
    /// s
    case score
    /// A number.
    case constant(Double)
    /// a + b
    case sum(WeightExpression, WeightExpression)
    /// a − b
    case difference(WeightExpression, WeightExpression)
    /// a · b
    case product(WeightExpression, WeightExpression)
    /// a / b
    case quotient(WeightExpression, WeightExpression)
    /// min(a, b)
    case minimum(WeightExpression, WeightExpression)
    /// max(a, b)
    case maximum(WeightExpression, WeightExpression)
    /// exp(a)
    case exponential(WeightExpression)
    /// log(a), the natural one
    case logarithm(WeightExpression)
    /// |a|
    case absolute(WeightExpression)
    /// √a
    case squareRoot(WeightExpression)
}
