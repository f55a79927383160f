/* The concatenation form without its pairs: y_i = (1 / M) Σ_j max(a_i + b_j, 0) g_j, from the running sums of
 * tile_prefix.cl. With b_1 ≥ b_2 ≥ … and the k keys whose b_j > −a_i,
 *
 *   y_i = ((a_i + b_k) G_k + F_k) / M
 *
 * F holds Σ (b_j − b_k) g_j as a sum of steps of b: unlike Σ b_j g_j it loses nothing where b is large and its steps
 * are small. A NaN in a or b ends in its own y, or in all.
 *
 *   each work-item finds k of one query by bisection
 *   for each of these queries: y of the work-item's channel
 *
 * NDRange: (⌈N / CHANNELS⌉ · CHANNELS; ⌈d_v / CHANNELS⌉; groups), work-groups (CHANNELS, 1, 1): as many queries and
 * as many channels.
 */
__kernel BY_CHANNELS void tile_sorted_aggregate(
    __global const ulong *restrict sorted,                       /* [groups][M], by tile_sort.cl */
    __global const float *restrict sums,                         /* [groups][M][2][d_v], G before F */
    __global const float *restrict theta, const long8 thetaView, /* a, [N] of each group */
    __global float *restrict y, const long8 yView,               /* [d_v, N] */
    const int valueChannels, const int keys, const int queries)
{
    __local int taken[CHANNELS];
    __local float2 least[CHANNELS]; /* a + b_k and what rounding took of it */
    const int id = get_local_id(0), first = get_group_id(0) * CHANNELS, c = get_global_id(1) * CHANNELS + id;
    const int count = min(CHANNELS, queries - first);
    const long group = get_global_id(2);
    sorted += group * keys;
    if (id < count) {
        const float a = theta[GROUP(thetaView, group) + AT(thetaView, 0, (long)first + id)];
        int low = 0, high = keys;
        while (low < high) {
            const int middle = low + (high - low) / 2;
            if (B_OF(sorted[middle]) <= -a)
                high = middle;
            else
                low = middle + 1;
        }
        taken[id] = low;
        least[id] = low > 0 ? add((float2)(a, 0.0f), B_OF(sorted[low - 1])) : (float2)(0.0f);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (c >= valueChannels) return;
    sums += group * keys * 2 * valueChannels + c;
    y += GROUP(yView, group) + AT(yView, (long)c, first);
    for (int n = 0; n < count; n++) {
        float value = 0.0f;
        if (taken[n] > 0) {
            const long k = taken[n] - 1;
            const float sum = sums[k * 2 * valueChannels], steps = sums[(k * 2 + 1) * valueChannels];
            value = (fma(least[n].x, sum, steps) + least[n].y * sum) / keys;
        }
        y[n * yView.s4] = value;
    }
}
