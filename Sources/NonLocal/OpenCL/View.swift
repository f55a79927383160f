import SwiftOpenCL

/// Where a tensor `[item][group][channel][position]` lies in a buffer, in elements: `view.cl` in Swift.
struct View: Sendable {
    let buffer: Buffer<Float>
    var offset = 0
    var itemStride = 0
    var groupStride = 0
    var channelStride = 0
    var positionStride = 1
    /// Groups in one item.
    var groups = 1
    /// The group that counts as the first; to the tile and the warp kernels alone.
    var firstGroup = 0
    /// How a group's elements lie.
    var form = Form.strided

    /// The forms that the kernels know by number.
    enum Form: Int64, Sendable {
        /// Channels and positions by their strides.
        case strided = 0
        /// Packed by rows (`panel_pack.cl`); the strides hold the numbers of channels and positions.
        case byRows = 1
        /// Packed by keys, likewise.
        case byKeys = 2
    }

    /// `[items, channels, positions]` from the start of a buffer.
    init(_ buffer: Buffer<Float>, channels: Int, positions: Int, layout: Layout = .channelsFirst) {
        self.buffer = buffer
        itemStride = channels * positions
        channelStride = layout == .channelsFirst ? positions : 1
        positionStride = layout == .channelsFirst ? 1 : channels
    }

    /// `[items][groups]` of packed tensors, each of `size` elements, from the start of a buffer.
    init(
        _ buffer: Buffer<Float>, _ form: Form, channels: Int, positions: Int, groups: Int, size: Int
    ) {
        self.buffer = buffer
        self.form = form
        self.groups = groups
        groupStride = size
        itemStride = groups * size
        channelStride = channels
        positionStride = positions
    }

    /// The same tensor from a later item on.
    func advanced(byItems items: Int) -> View {
        var view = self
        view.offset += items * itemStride
        return view
    }

    /// The same tensor from a later position on.
    func advanced(byPositions positions: Int) -> View {
        var view = self
        view.offset += positions * positionStride
        return view
    }

    /// The same tensor from a later group on, counted over all items; to the tile and the warp kernels alone.
    func advanced(byGroups groups: Int) -> View {
        var view = self
        view.firstGroup += groups
        return view
    }

    /// The same tensor from a later channel on.
    func advanced(byChannels channels: Int) -> View {
        var view = self
        view.offset += channels * channelStride
        return view
    }

    /// The same numbers with channels and positions exchanged.
    var transposed: View {
        var view = self
        (view.channelStride, view.positionStride) = (positionStride, channelStride)
        return view
    }

    /// The same tensor with its positions in groups; a packed one is in groups already.
    func grouped(by positions: PositionGroups) -> View {
        guard form == .strided else { return self }
        var view = self
        view.groups = positions.groups
        view.groupStride = positions.groupStride * positionStride
        view.positionStride = positions.positionStride * positionStride
        return view
    }

    /// A view that tells kernels that there is no tensor, in the place of one.
    ///
    /// - Parameter buffer: any.
    static func none(_ buffer: Buffer<Float>) -> View {
        var view = View(buffer, channels: 0, positions: 0)
        view.groups = 0
        return view
    }

    /// One group of each item alone.
    func group(_ group: Int) -> View {
        var view = self
        view.offset += group * groupStride
        view.groups = 1
        return view
    }

    /// The kernels' `long8`.
    var argument: SIMD8<Int64> {
        SIMD8(
            Int64(offset), Int64(itemStride), Int64(groupStride), Int64(channelStride), Int64(positionStride),
            Int64(groups), form.rawValue, Int64(firstGroup))
    }
}

/// An affine map of the channels in device memory.
struct DeviceLinear: Sendable {
    let weight: Buffer<Float>
    let bias: Buffer<Float>
    let outputs: Int
    let inputs: Int

    init(_ linear: Linear, in context: Context) throws {
        weight = try Buffer(context, copying: linear.weight.map(Float.init), access: .readOnly)
        bias = try Buffer(context, copying: linear.bias.map(Float.init), access: .readOnly)
        outputs = linear.outputs
        inputs = linear.inputs
    }
}
