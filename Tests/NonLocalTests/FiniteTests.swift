import Testing

@testable import NonLocal

/// The first number that is none is found wherever it is, and no number is taken for one.
@Suite struct FiniteTests {
    @Test(arguments: [1, 7, 4096, 4097, 1 << 18, (1 << 18) + 5, (1 << 19) + 65_537])
    func theFirstIsFound(_ count: Int) throws {
        var generator = SplitMix64(seed: UInt64(count))
        var elements = (0..<count).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: generator.next()))
        }
        .map { $0.isFinite ? $0 : .greatestFiniteMagnitude }
        func first() throws -> Int? { try Tensor(shape: [count], elements: elements).firstNonFinite }
        #expect(try first() == nil)
        for value in [-Float.infinity, .infinity, .nan, -.signalingNaN] {
            // From the last to the first: those behind don't matter.
            for index in [count - 1, count / 2, count / 3, 0] {
                elements[index] = value
                #expect(try first() == index, "\(value)")
            }
            for index in [count - 1, count / 2, count / 3, 0] { elements[index] = -.greatestFiniteMagnitude }
        }
    }
}
