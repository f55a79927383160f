/* The whole block for CPU devices in one launch, for small x, whose launches would take longer than their work:
 *
 *   for each item:
 *       θ, φ, g = weight x + bias         φ and g max pooled, if they are sub-sampled, and packed
 *       y = g softmax(scale · θᵀφ)ᵀ
 *       z = W_z y + b (+ x)
 *
 * Each of W work-items does a run of items, each step as the kernel of its name does it.
 *
 * Scratch, a work-item: scratchSize vectors, the most that any of the steps takes.
 *
 * NDRange: (W), work-group size 1.
 */

/* One group of a view alone. */
static inline long8 only(long8 view, const long group)
{
    view.s0 = GROUP(view, group);
    return view;
}

/* The blocks of a projection of one item. */
#define ALL_BLOCKS(size, outputs) \
    (long2)( \
        0, (long)((panels + (size).x - 1) / (size).x) \
               * ((((outputs) + ROWS - 1) / ROWS + (size).y - 1) / (size).y))

__kernel WORK_ITEM void panel_block(
    __global const float *restrict weight, __global const float *restrict bias, /* of θ, φ, g, as packed */
    __global const float *restrict outputWeight, __global const float *restrict outputBias,
    __global const float *restrict x, const long8 xView,               /* [C, N] */
    __global const float *restrict residual, const long8 residualView, /* the same before the group norm */
    const int addsResidual, __global float *restrict z, const long8 zView,
    __global float *restrict theta, const long8 thetaView, /* [d, N] */
    __global float *restrict phi, const long8 phiView,     /* packed BY_ROWS */
    __global float *restrict g, const long8 gView,         /* packed BY_KEYS */
    __global float *restrict wholePhi, const long8 wholePhiView, /* [d, N] before pooling; φ without */
    __global float *restrict wholeG, const long8 wholeGView,     /* [d_v, N] before pooling; g without */
    __global float *restrict y, const long8 yView,         /* [d_v, N] */
    const int channels, const int width, const int valueChannels, /* C, d, d_v */
    const int4 grid, const int4 window,                           /* T, H, W; a window of zeros pools nothing */
    const int positions, const int keys,                          /* N, M */
    const float scale, const int ownWeight, const int2 inputBlocks, /* panels and tiles, as panel_projection */
    const int2 outputBlocks, const int attentionPanels, __global Lanes *restrict scratch,
    const long scratchSize, const long2 range /* of items */)
{
    const long2 start = (long2)(0, 0);
    const int panels = (positions + PANEL - 1) / PANEL;
    scratch += get_global_id(0) * scratchSize;
    EACH_BLOCK(range) {
        const long item = block;
        project(
            ALL_BLOCKS(inputBlocks, 2 * width + valueChannels), 0, 1, weight, start, bias, start, x,
            only(xView, item), 0, xView, theta, only(thetaView, item), wholePhi, only(wholePhiView, item), wholeG,
            only(wholeGView, item), width, 2 * width, channels, 2 * width + valueChannels, positions, 1,
            inputBlocks.x, inputBlocks.y, scratch);
        if (window.x > 0)
            for (int channel = 0; channel < width + valueChannels; channel++)
                pool_channel(
                    channel, item, wholePhi, wholePhiView, wholeG, wholeGView, phi, phiView, g, gView, width,
                    grid, window, keys);
        attend_blocks(
            (long2)(0, (panels + attentionPanels - 1) / attentionPanels), 0, 1, theta, only(thetaView, item), phi,
            only(phiView, item), g, only(gView, item), 0, (long8)(0), 0, (long8)(0), 0, y, only(yView, item), width,
            valueChannels, positions, keys, scale, attentionPanels, 1, ownWeight, scratch, scratch);
        project(
            ALL_BLOCKS(outputBlocks, channels), 0, 1, outputWeight, start, outputBias, start, y, only(yView, item),
            addsResidual ? residual : 0, only(residualView, item), z, only(zView, item), z, zView, z, zView, channels,
            channels, valueChannels, channels, positions, 1, outputBlocks.x, outputBlocks.y, scratch);
    }
}
