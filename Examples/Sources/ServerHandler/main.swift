// A server's handler: requests come from many tasks at once, a prepared block serves them in turn, a client that
// leaves cancels its task, and errors become answers.

import NonLocal

/// What a web framework would keep for all requests.
struct Handler: Sendable {
    let prepared: PreparedBlock

    init(shape: [Int]) throws {
        let configuration = NonLocalBlock.Configuration(channels: shape[1], scale: .inverseSquareRoot)
        let weights = try BlockWeights.random(for: configuration, seed: 1, zeroInitialized: false)
        prepared = try NonLocalBlock(configuration, weights: weights).prepared(for: shape)
    }

    /// The answer to one request.
    func respond(to x: Tensor<Float>) async -> String {
        do {
            let result = try await prepared.run(x) { progress in
                if progress.secondsLeft ?? 0 > 1 { print("\(progress.fraction * 100) % done") }
            }
            return "200, z of shape \(result.output.shape)"
        } catch is CancellationError {
            return "499, the client left"
        } catch let error as NonLocalError where [.shape, .nonFinite].contains(error.code) {
            return "400, \(error.message)"
        } catch {
            return "500, \(error)"
        }
    }
}

let shape = [1, 32, 24, 24]
let handler = try Handler(shape: shape)
let good = try (0..<4).map { try Tensor<Float>.normal(shape: shape, seed: UInt64($0)) }
let other = try Tensor<Float>.normal(shape: [1, 32, 10, 10], seed: 9)

await withTaskGroup(of: String.self) { group in
    for x in good + [other] { group.addTask { await handler.respond(to: x) } }
    for await answer in group { print(answer) }
}

let left = Task { await handler.respond(to: good[0]) }
left.cancel()
print(await left.value)
