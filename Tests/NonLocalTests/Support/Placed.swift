import SwiftOpenCL
import Testing

@testable import NonLocal

/// How a tensor [item][group][channel][position] may lie in a buffer.
enum Arrangement: String, Sendable, CaseIterable {
    /// Row-major, without gaps.
    case packed
    /// Row-major, from an offset on, with gaps behind each channel, group and item.
    case gaps
    /// Channels run fastest.
    case channelsLast
    /// Groups run fastest within a channel, as in scope time.
    case interleaved
    /// The same with channels last.
    case interleavedChannelsLast
}

/// A tensor in device memory, through a view of any kind; what does not belong to it is a number that
/// nothing may read or write.
struct Placed {
    let view: View
    /// Counted over all items.
    let groups: Int
    let channels: Int
    let positions: Int

    private static let gap: Float = 3e33
    /// What is read where nothing was written.
    static let unwritten: Float = -7e33

    /// - Parameter value: of a group, counted over all items, a channel and a position; by default nothing is
    ///   written yet.
    init(
        _ session: OpenCLSession, items: Int = 1, groups: Int = 1, channels: Int, positions: Int,
        _ arrangement: Arrangement = .packed, value: (Int, Int, Int) -> Float = { _, _, _ in unwritten }
    ) throws {
        let probe = try Buffer<Float>(session.context, count: 1)
        let strides = Self.strides(arrangement, groups: groups, channels: channels, positions: positions)
        var view = Self.view(probe, strides, groups: groups)
        let size =
            view.index(items * groups - 1, channels - 1, positions - 1) + 1 + (arrangement == .gaps ? 9 : 0)
        var elements = [Float](repeating: Self.gap, count: size)
        for group in 0..<items * groups {
            for channel in 0..<channels {
                for position in 0..<positions {
                    elements[view.index(group, channel, position)] = value(group, channel, position)
                }
            }
        }
        view = Self.view(try Buffer(session.context, copying: elements), strides, groups: groups)
        self.view = view
        self.groups = items * groups
        self.channels = channels
        self.positions = positions
    }

    /// The numbers, `[group][channel][position]`, once all that was enqueued is done.
    func read(_ session: OpenCLSession, sourceLocation: SourceLocation = #_sourceLocation) throws -> [Float] {
        let elements = try session.queue.read(view.buffer)
        var isGap = [Bool](repeating: true, count: elements.count)
        var values: [Float] = []
        for group in 0..<groups {
            for channel in 0..<channels {
                for position in 0..<positions {
                    let index = view.index(group, channel, position)
                    isGap[index] = false
                    values.append(elements[index])
                }
            }
        }
        let touched = elements.indices.first { isGap[$0] && elements[$0] != Self.gap }
        #expect(touched == nil, "an element outside of the view was written", sourceLocation: sourceLocation)
        return values
    }

    private static func strides(
        _ arrangement: Arrangement, groups: Int, channels: Int, positions: Int
    ) -> (offset: Int, item: Int, group: Int, channel: Int, position: Int) {
        let size = channels * positions
        switch arrangement {
        case .packed: return (0, groups * size, size, positions, 1)
        case .gaps:
            let channel = positions + 3
            let group = channels * channel + 2
            return (5, groups * group + 7, group, channel, 1)
        case .channelsLast: return (0, groups * size, size, 1, channels)
        case .interleaved: return (0, groups * size, 1, groups * positions, groups)
        case .interleavedChannelsLast: return (0, groups * size, channels, 1, groups * channels)
        }
    }

    private static func view(
        _ buffer: Buffer<Float>, _ strides: (offset: Int, item: Int, group: Int, channel: Int, position: Int),
        groups: Int
    ) -> View {
        var view = View(buffer, channels: 1, positions: 1)
        view.offset = strides.offset
        view.itemStride = strides.item
        view.groupStride = strides.group
        view.channelStride = strides.channel
        view.positionStride = strides.position
        view.groups = groups
        return view
    }
}

extension View {
    /// Where an element stands, by the definition in `view.cl`.
    fileprivate func index(_ group: Int, _ channel: Int, _ position: Int) -> Int {
        offset + group / groups * itemStride + group % groups * groupStride + channel * channelStride
            + position * positionStride
    }
}

/// A number in (−1, 1) that depends on nothing but its arguments.
func noise(_ parts: Int...) -> Float {
    var state: UInt64 = 0
    for part in parts {
        var generator = SplitMix64(seed: state ^ UInt64(bitPattern: Int64(part)))
        state = generator.next()
    }
    return Float(Double(Int64(bitPattern: state) >> 11) * 0x1p-52)
}
