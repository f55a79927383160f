/* The concatenation form without its pairs: y_i = (1 / M) Σ_j max(a_i + b_j, 0) g_j for all i in one walk along
 * a and b sorted by sort.cl, b from the greatest down, a from the least up.
 *
 * With b_1 ≥ b_2 ≥ … and the k keys whose b_j > −a_i,
 *
 *   G_k = G_{k−1} + g_k        F_k = F_{k−1} + (b_{k−1} − b_k) G_{k−1}
 *   y_i = ((a_i + b_k) G_k + F_k) / M
 *
 * F holds Σ (b_j − b_k) g_j as a sum of steps of b: unlike Σ b_j g_j it loses nothing where b is large and its
 * steps are small. Both sums run over all keys, so they are in double.
 *
 *   for each query, from the least a up:
 *       take keys while b > −a
 *       y = ((a + b of the last one taken) G + F) / M
 *
 * A NaN in a or b ends in its own y, or in all.
 *
 * NDRange: (⌈d_v / (SLAB · LANES)⌉, groups), work-group size 1.
 * One work-item: SLAB · LANES channels of one group. It is fast where channels lie side by side.
 */

#pragma OPENCL EXTENSION cl_khr_fp64 : enable

/* Vectors of channels whose sums a work-item keeps in registers. */
#ifndef SLAB
#define SLAB 2
#endif

#define EACH_HALF _Pragma("unroll") for (int h = 0; h < 2 * SLAB; h++)
#define EACH_SLAB _Pragma("unroll") for (int v = 0; v < SLAB; v++)
#define HALF_8 4
#define HALF_16 8
#define HALF_4 2
#define HALF JOIN(HALF_, LANES)
#define TO_DOUBLES JOIN(convert_double, HALF)
#define TO_FLOATS JOIN(convert_float, HALF)
typedef JOIN(double, HALF) Doubles;

__kernel WORK_ITEM void sorted_aggregate(
    __global const uint2 *restrict sorted, /* [groups][M] of (b, key), then [groups][N] of (a, query) */
    __global const float *restrict g, const long8 gView, /* [d_v, M] */
    __global float *restrict y, const long8 yView,       /* [d_v, N] */
    const int valueChannels, const int keys, const int queries)
{
    const int firstChannel = get_global_id(0) * SLAB * LANES;
    const long group = get_global_id(1), groups = get_global_size(1);
    __global const uint2 *const phi = sorted + group * keys;
    __global const uint2 *const theta = sorted + groups * keys + group * queries;
    const double factor = 1.0 / keys;
    g += GROUP(gView, group) + AT(gView, (long)firstChannel, 0);
    y += GROUP(yView, group) + AT(yView, (long)firstChannel, 0);

    Doubles sums[2 * SLAB], steps[2 * SLAB]; /* G and F */
    EACH_HALF sums[h] = steps[h] = (Doubles)(0.0);
    int taken = 0;
    float last = 0.0f;
    for (int n = 0; n < queries; n++) {
        const uint2 query = theta[n];
        const float a = as_float(query.x);
        for (; taken < keys; taken++) {
            const uint2 key = phi[taken];
            const float b = as_float(key.x);
            if (b <= -a) break;
            const double step = taken > 0 ? (double)last - b : 0.0;
            last = b;
            __global const float *const from = g + key.y * gView.s4;
            EACH_SLAB {
                const Lanes value = load_some(
                    from + v * LANES * gView.s3, gView.s3, valueChannels - firstChannel - v * LANES);
                steps[2 * v] = fma((Doubles)(step), sums[2 * v], steps[2 * v]);
                steps[2 * v + 1] = fma((Doubles)(step), sums[2 * v + 1], steps[2 * v + 1]);
                sums[2 * v] += TO_DOUBLES(value.lo);
                sums[2 * v + 1] += TO_DOUBLES(value.hi);
            }
        }
        const double least = taken > 0 ? (double)a + last : 0.0;
        __global float *const to = y + query.y * yView.s4;
        EACH_SLAB {
            Lanes value;
            value.lo = TO_FLOATS(fma((Doubles)(least), sums[2 * v], steps[2 * v]) * factor);
            value.hi = TO_FLOATS(fma((Doubles)(least), sums[2 * v + 1], steps[2 * v + 1]) * factor);
            store_some(
                value, to + v * LANES * yView.s3, yView.s3, valueChannels - firstChannel - v * LANES);
        }
    }
}
