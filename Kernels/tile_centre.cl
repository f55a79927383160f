/* x without its mean, for a Gram matrix in which nothing cancels when the mean is put back later, and its moments:
 *
 *   centred[c, n] = x[c, n] − μ_c        moments[c] = (Σ_n x[c, n], μ_c, Σ_n (x[c, n] − μ_c))
 *
 * and below the channels' moments those of a row of ones: (N, 1, 0). μ is the mean but for rounding, which the third
 * moment makes good.
 *
 * NDRange: (CENTRES, channels + 1, groups), work-groups (CENTRES, 1, 1), one of each channel.
 */

/* Work-items of a work-group. */
#define CENTRES 64

/* The sum of the work-group's numbers, to all of it. */
static float sum_of(__local float *sums, const float value)
{
    const int id = get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE); /* until nobody reads the sum before */
    sums[id] = value;
    for (int half_ = CENTRES / 2; half_ > 0; half_ /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE); /* until the sums before are there */
        if (id < half_) sums[id] += sums[id + half_];
    }
    barrier(CLK_LOCAL_MEM_FENCE); /* until the last sum is there */
    return sums[0];
}

__kernel __attribute__((reqd_work_group_size(CENTRES, 1, 1))) void tile_centre(
    __global const float *restrict x, const long8 view, __global float *restrict centred, /* [groups][channels][positions] */
    __global float *restrict moments, /* [groups][channels + 1][3] */
    const int positions)
{
    __local float sums[CENTRES];
    const int id = get_local_id(0);
    const long c = get_global_id(1), channels = get_global_size(1) - 1, group = get_global_id(2);
    moments += (group * (channels + 1) + c) * 3;
    if (c == channels) { /* all of the work-group's items */
        if (id < 3) moments[id] = id == 0 ? positions : id == 1 ? 1.0f : 0.0f;
        return;
    }
    x += GROUP(view, group) + AT(view, c, 0);
    centred += (group * channels + c) * positions;

    float sum = 0.0f;
    for (int n = id; n < positions; n += CENTRES) sum += x[n * view.s4];
    const float mean = sum_of(sums, sum) / positions;
    float rest = 0.0f;
    for (int n = id; n < positions; n += CENTRES) {
        const float value = x[n * view.s4] - mean;
        centred[n] = value;
        rest += value;
    }
    rest = sum_of(sums, rest);
    if (id == 0) {
        moments[0] = positions * mean + rest;
        moments[1] = mean;
        moments[2] = rest;
    }
}
