/* Joins the shares of keys that warp_attention.cl left: with m = max_s m_s and w_s = exp(scale · (m_s − m)),
 *   y[c, i] = Σ_s w_s y_s[c, i] / Σ_s w_s l_s
 *
 * NDRange: (N rounded up to SPAN, parts of the channels, groups), work-groups of SPAN.
 * One work-item: one query, every size(1)-th channel.
 */
__kernel __attribute__((reqd_work_group_size(SPAN, 1, 1))) void warp_merge(
    __global const float *restrict shared, /* [groups][shares][d_v + 2][N]: y, m, l */
    __global const float *restrict limits, /* [3][groups] */
    __global float *restrict y, const long8 yView, /* [d_v, N] */
    const int valueChannels, const int queries, const int shares, const float scale, const int groups)
{
    const int n = get_global_id(0);
    const long group = get_global_id(2);
    if (n >= queries) return;
    const long size = (long)(valueChannels + 2) * queries;
    shared += group * shares * size + n;
    y += GROUP(yView, group);
    __global const float *const m = shared + (long)valueChannels * queries, *const l = m + queries;
    const float factor = exponent_factor(scale, limits, group, groups);

    float greatest = m[0];
    for (int share = 1; share < shares; share++) greatest = fmax(greatest, m[share * size]);
    float sum = 0.0f;
    for (int share = 0; share < shares; share++)
        sum = fma(exp2((m[share * size] - greatest) * factor), l[share * size], sum);
    const float inverse = 1.0f / sum, unit = inverse_unit_of(limits[2 * groups + group]);
    for (int c = get_global_id(1); c < valueChannels; c += get_global_size(1)) {
        float total = 0.0f;
        for (int share = 0; share < shares; share++)
            total = fma(
                exp2((m[share * size] - greatest) * factor), shared[share * size + (long)c * queries], total);
        y[AT(yView, c, n)] = total * inverse * unit;
    }
}
