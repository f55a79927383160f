/* The weighted sum, for a block of queries: y[c, i] = Σ_j g[c, j] p[j, i].
 *
 * NDRange: (rows i of the block, rounded up; ⌈value channels / ROWS⌉; groups of the block).
 * One work-item: ROWS channels of one query.
 */
__kernel void aggregate(
    __global const float *restrict g, const long8 gView,
    __global const float *restrict p, /* [group][key j][row i], as the affinity stage leaves it */
    __global float *restrict y, const long8 yView,
    const int valueChannels,                 /* d_v */
    const int keys,                          /* M */
    const int firstGroup, const int firstRow, const int rows) /* of the block */
{
    const int i = get_global_id(0);
    const int firstChannel = get_global_id(1) * ROWS;
    const long group = get_global_id(2);
    if (i >= rows) return;
    g += GROUP(gView, firstGroup + group);
    p += group * keys * rows + i;

    float total[ROWS];
    long channel[ROWS];
    EACH_ROW total[r] = 0.0f;
    EACH_ROW channel[r] = AT(gView, min(firstChannel + r, valueChannels - 1), 0);
    for (int first = 0; first < keys; first += CHUNK) {
        const int last = min(first + CHUNK, keys);
        float part[ROWS];
        EACH_ROW part[r] = 0.0f;
        for (int j = first; j < last; j++) {
            const float weight = p[(long)j * rows];
            EACH_ROW part[r] += weight * g[channel[r] + j * gView.s4];
        }
        EACH_ROW total[r] += part[r];
    }
    y += GROUP(yView, firstGroup + group);
    for (int r = 0; r < ROWS && firstChannel + r < valueChannels; r++)
        y[AT(yView, firstChannel + r, firstRow + i)] = total[r];
}
