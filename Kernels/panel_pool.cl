/* Max pooling of φ and g straight into their packed forms (panel_pack.cl), or of one tensor into any view:
 * kernel = stride, partial windows dropped, a NaN in the window is the result, as in max_pool.cl.
 *
 *   for each row (t', h') of the pooled grid, chunk of windows:
 *       m = the greatest of the window's rows, lane by lane; then of each window's lanes
 *
 * Windows of one or two columns are taken LANES at a time, from as many vectors as they have columns;
 * ⌊LANES / window.z⌋ of wider ones, from one vector.
 *
 * Groups are runs of `keys` pooled positions, one after another: all of an item, or each of its frames.
 *
 * NDRange: (d + d_v, items), work-group size 1. One work-item: a channel of φ or of g.
 */

/* The greater of two, lane by lane, or the one that is a NaN. */
static inline Lanes greater(const Lanes m, const Lanes value) { return value > m || isnan(value) ? value : m; }

/* The greatest of the windows' rows, lane by lane, from position n of the first row on. */
static inline Lanes greatest_of_rows(
    __global const float *restrict x, const long step, const int n, const int4 grid, const int4 window)
{
    const int positions = grid.x * grid.y * grid.z;
    Lanes m = (Lanes)(-INFINITY);
    for (int t = 0; t < window.x; t++)
        for (int h = 0; h < window.y; h++) {
            const int at = n + (t * grid.y + h) * grid.z;
            m = greater(m, load_some(x + at * step, step, positions - at));
        }
    return m;
}

/* The greatest of ⌊LANES / columns⌋ windows, each of so many lanes. */
static inline Lanes greatest_of_lanes(const Lanes m, const int columns)
{
    float lane[LANES], result[LANES];
    STORE(m, lane);
    for (int k = 0; k < LANES; k++) {
        const int first = k * columns;
        result[k] = 0.0f;
        if (first + columns > LANES) continue;
        float greatest = lane[first];
        for (int i = 1; i < columns; i++) {
            const float value = lane[first + i];
            greatest = value > greatest || isnan(value) ? value : greatest;
        }
        result[k] = greatest;
    }
    return LOAD(result);
}

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
    const int chunk = window.z <= 2 ? LANES : LANES / window.z;
    long group = item * (pooledT * pooledH * pooledW / keys);

    /* What is not stored yet: of a group, from its position `first` on. */
    float result[2 * LANES];
    for (int i = 0; i < 2 * LANES; i++) result[i] = 0.0f;
    int filled = 0, first = 0;
    for (int t = 0; t < pooledT; t++)
        for (int h = 0; h < pooledH; h++)
            for (int w = 0; w < pooledW; w += chunk) {
                const int n = (t * window.x * grid.y + h * window.y) * grid.z + w * window.z;
                Lanes m = greatest_of_rows(x, from.s4, n, grid, window);
                if (window.z == 2) {
                    const Lanes next = greatest_of_rows(x, from.s4, n + LANES, grid, window);
                    m = greater((Lanes)(m.even, next.even), (Lanes)(m.odd, next.odd));
                } else if (window.z > 2) {
                    m = greatest_of_lanes(m, window.z);
                }
                STORE(m, result + filled);
                filled += min(chunk, pooledW - w);
                const int isLast = first + filled == keys;
                while (filled >= LANES || (isLast && filled > 0)) {
                    store_positions(LOAD(result), y + GROUP(to, group), to, c, first, filled);
                    STORE(LOAD(result + LANES), result);
                    first += LANES;
                    filled -= LANES;
                }
                if (isLast) {
                    first = 0;
                    filled = 0;
                    group++;
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
