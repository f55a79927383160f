/* Group norm over the positions of an item and the channels of a group:
 *   y[c, n] = (x[c, n] − mean) · inverse · scale[c] + shift[c],  inverse = 1 / √(variance + ε).
 * Mean and variance are taken in two passes, so a large mean costs no digits of the variance.
 */

/* Sum of one number a work-item, known to all of them afterwards; the size is a power of two. */
static float group_sum(float value, __local float *scratch)
{
    const int id = get_local_id(0);
    scratch[id] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_ = get_local_size(0) / 2; half_ > 0; half_ /= 2) {
        if (id < half_) scratch[id] += scratch[id + half_];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const float sum = scratch[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return sum;
}

/* Σ (x − center)^power over this work-item's share of the positions. */
static float share_of_sum(
    __global const float *restrict x, const long8 view, const int channels, const int positions,
    const float center, const int squared)
{
    float total = 0.0f;
    for (int c = 0; c < channels; c++) {
        float part = 0.0f;
        for (int n = get_local_id(0); n < positions; n += get_local_size(0)) {
            const float value = x[AT(view, c, n)] - center;
            part += squared ? value * value : value;
        }
        total += part;
    }
    return total;
}

/* NDRange: (work-group size; groups; items), one work-group a group. */
__kernel void group_norm_statistics(
    __global const float *restrict x, const long8 xView,
    __global float2 *restrict statistics, /* [item][group] (mean, inverse) */
    __local float *scratch,
    const int groups, const int channelsPerGroup, const int positions, const float epsilon)
{
    const int group = get_global_id(1);
    const long item = get_global_id(2);
    x += GROUP(xView, item) + (long)group * channelsPerGroup * xView.s3;
    const float count = (float)channelsPerGroup * positions;

    const float mean = group_sum(share_of_sum(x, xView, channelsPerGroup, positions, 0.0f, 0), scratch) / count;
    /* What rounding left in the mean is taken out again. */
    const float rest = group_sum(share_of_sum(x, xView, channelsPerGroup, positions, mean, 0), scratch) / count;
    const float variance =
        group_sum(share_of_sum(x, xView, channelsPerGroup, positions, mean + rest, 1), scratch) / count;
    if (get_local_id(0) == 0)
        statistics[item * groups + group] = (float2)(mean + rest, 1.0f / sqrt(variance + epsilon));
}

/* NDRange: (work-group size; channels; items), one work-group a channel. */
__kernel void group_norm_apply(
    __global const float *restrict x, const long8 xView,
    __global const float2 *restrict statistics,
    __global const float *restrict scale, __global const float *restrict shift, /* [channels] */
    __global float *restrict y, const long8 yView,
    const int channelsPerGroup, const int channels, const int positions)
{
    const int c = get_global_id(1);
    const long item = get_global_id(2);
    const float2 moments = statistics[item * (channels / channelsPerGroup) + c / channelsPerGroup];
    const float factor = scale[c], term = shift[c];
    x += GROUP(xView, item);
    y += GROUP(yView, item);
    for (int n = get_local_id(0); n < positions; n += get_local_size(0))
        y[AT(yView, c, n)] = (x[AT(xView, c, n)] - moments.x) * moments.y * factor + term;
}
