/* Max pooling of φ and g straight into their packed forms (panel_pack.cl), or of one tensor into any view:
 * kernel = stride, partial windows dropped, a NaN in the window is the result, as in max_pool.cl.
 *
 *   for each row (t', h') of the pooled grid, chunk of ⌊LANES / window.z⌋ windows:
 *       m = the greatest of the window's rows, lane by lane; then of each window's lanes
 *
 * Groups are runs of `keys` pooled positions, one after another: all of an item, or each of its frames.
 *
 * NDRange: (d + d_v, items), work-group size 1. One work-item: a channel of φ or of g.
 */

/* One channel of one item; the parameters are those of panel_pool. */
static inline void pool_channel(
    const int channel, const long item, __global const float *restrict phi, const long8 phiView,
    __global const float *restrict g, const long8 gView, __global float *restrict packedPhi,
    const long8 packedPhiView, __global float *restrict packedG, const long8 packedGView, const int width,
    const int4 grid, const int4 window, const int keys)
{
    const int isPhi = channel < width, c = isPhi ? channel : channel - width;
    const long8 from = isPhi ? phiView : gView, to = isPhi ? packedPhiView : packedGView;
    __global const float *restrict x = (isPhi ? phi : g) + GROUP(from, item) + AT(from, c, 0);
    __global float *restrict y = isPhi ? packedPhi : packedG;
    const int pooledT = grid.x / window.x, pooledH = grid.y / window.y, pooledW = grid.z / window.z;
    const int positions = grid.x * grid.y * grid.z, chunk = LANES / window.z;
    long group = item * (pooledT * pooledH * pooledW / keys);

    float result[LANES];
    for (int i = 0; i < LANES; i++) result[i] = 0.0f;
    int filled = 0, first = 0;
    for (int row = 0; row < pooledT * pooledH; row++) {
        const int t0 = row / pooledH * window.x, h0 = row % pooledH * window.y;
        for (int w = 0; w < pooledW; w += chunk) {
            Lanes m = (Lanes)(-INFINITY);
            for (int t = t0; t < t0 + window.x; t++)
                for (int h = h0; h < h0 + window.y; h++) {
                    const int n = (t * grid.y + h) * grid.z + w * window.z;
                    const Lanes value = load_some(x + n * from.s4, from.s4, positions - n);
                    m = value > m || isnan(value) ? value : m;
                }
            float lane[LANES];
            STORE(m, lane);
            for (int k = 0; k < min(chunk, pooledW - w); k++) {
                float greatest = lane[k * window.z];
                for (int i = 1; i < window.z; i++) {
                    const float value = lane[k * window.z + i];
                    greatest = value > greatest || isnan(value) ? value : greatest;
                }
                result[filled++] = greatest;
                if (filled < LANES && first + filled < keys) continue;
                store_positions(LOAD(result), y + GROUP(to, group), to, c, first, filled);
                first += filled;
                filled = 0;
                if (first == keys) {
                    first = 0;
                    group++;
                }
            }
        }
    }
}

__kernel WORK_ITEM void panel_pool(
    __global const float *restrict phi, const long8 phiView, /* [items][1][d, N] */
    __global const float *restrict g, const long8 gView,     /* [items][1][d_v, N] */
    __global float *restrict packedPhi, const long8 packedPhiView,
    __global float *restrict packedG, const long8 packedGView,
    const int width,   /* d */
    const int4 grid,   /* T, H, W of x */
    const int4 window, /* t, h, w; w at most LANES */
    const int keys)    /* of a group */
{
    pool_channel(
        get_global_id(0), get_global_id(1), phi, phiView, g, gView, packedPhi, packedPhiView, packedG,
        packedGView, width, grid, window, keys);
}
