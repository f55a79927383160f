/* Joins the shares of keys that tile_attention.cl left: with m = max_s m_s and w_s = exp(scale · (m_s − m)),
 *   y[c, i] = Σ_s w_s y_s[c, i] / Σ_s w_s l_s
 *
 * NDRange: (queries i, rounded up; value channels; groups). One work-item: one number.
 */
__kernel void tile_merge(
    __global const float *restrict shared, /* [groups][shares] of y [d_v, N], m [N] and l [N] */
    __global const STORED *restrict g, const long8 gView, /* [d_v, M] */
    __global float *restrict y, const long8 yView,        /* [d_v, N] */
    const int queries, const int shares, const int groups, const int channels, const float scale, const int ownWeight,
    __global const float *restrict limits SUM_PARAMETERS) /* as tile_attention has it */
{
    const int i = get_global_id(0), c = get_global_id(1);
    const long group = get_global_id(2);
    if (i >= queries) return;
    const float factor = BASE_TWO(scale);
    const long size = (channels + 2L + SUM_COUNT) * queries;
    shared += group * shares * size + i;

    float m = -INFINITY;
    for (long share = 0; share < shares; share++) m = fmax(m, shared[share * size + (long)channels * queries]);
    float l = 0.0f, sum = 0.0f;
    for (long share = 0; share < shares; share++) {
        __global const float *const state = shared + share * size;
        const float weight = weight_of(state[(long)channels * queries], m, factor);
        l += weight * state[(channels + 1L) * queries];
        sum += weight * state[(long)c * queries];
    }
#ifdef SUMS
    if (c == 0) {
        float4 summed[SUM_COUNT];
        for (int k = 0; k < SUM_COUNT; k++) {
            summed[k] = (float4)(0.0f);
            for (long share = 0; share < shares; share++) {
                __global const float *const state = shared + share * size;
                const float weight = k < 2 ? 1.0f : weight_of(state[(long)channels * queries], m, factor);
                summed[k].x += weight * state[(channels + 2L + k) * queries];
            }
        }
        if (ownWeight == STRONGEST) {
            summed[2].x += 1.0f;
            summed[3].x += values[GROUP(valuesView, group) + AT(valuesView, 0, (long)i)];
        }
        store_sums(
            summed, (float4)(ownWeight == STRONGEST ? l + 1.0f : l), scale, sums + GROUP(sumsView, group), sumsView,
            i, 1);
    }
#endif
    if (ownWeight == STRONGEST) {
        l += 1.0f;
        sum += READ(g, GROUP(gView, group) + AT(gView, (long)c, i));
    }
    y[GROUP(yView, group) + AT(yView, (long)c, i)] =
        value_unit(limits, group, groups) * (sum / l);
}
