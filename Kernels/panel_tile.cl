/* What the panel kernels share: a register tile for CPU devices, where one work-item is one thread's work.
 *
 *   a[r, n] = Σ_k rows[k, r] columns[k, n]
 *
 * A column panel holds PANEL neighbouring positions, [term k][PANEL]: vector lanes run along the positions.
 * A row panel holds ROWS rows, [term k][ROWS] (panel_pack.cl), each number broadcast to all lanes.
 * ROWS · VECTORS accumulators, VECTORS columns and one broadcast must fit the vector registers.
 */

/* Floats in one vector register: 8 for AVX2, 16 for AVX-512, 4 for NEON and SSE. */
#ifndef LANES
#define LANES 8
#endif

/* Vectors side by side in a tile. */
#ifndef VECTORS
#define VECTORS 2
#endif

/* Rows of a tile: 6 × 2 suits 16 registers, 8 × 3 suits 32. */
#ifndef ROWS
#define ROWS 6
#endif

/* Terms summed in one accumulator. Longer sums are taken in parts: it keeps their rounding error low, and a
 * part of a column panel (DEPTH · PANEL floats) in the first-level cache. */
#ifndef DEPTH
#define DEPTH 128
#endif

/* Keys of a block of the fused attention, a multiple of ROWS and of LANES: KEYS · PANEL weights stay in the
 * first-level cache. */
#ifndef KEYS
#define KEYS 96
#endif

/* Terms of the tile's loop written out. */
#ifndef UNROLL
#define UNROLL 2
#endif

#define PANEL (LANES * VECTORS)
#define JOINED(a, b) a##b
#define JOIN(a, b) JOINED(a, b)
#define LOAD(p) JOIN(vload, LANES)(0, p)
#define STORE(v, p) JOIN(vstore, LANES)(v, 0, p)
typedef JOIN(float, LANES) Lanes;

/* The blocks of one of several workers, out of those from range.x to before range.y: neighbours, and as many as any
 * other's, give or take one. Long work is done in several launches, each with its own range. */
#define EACH_BLOCK_OF(range, worker, workers) \
    for (long block = (range).x + (worker) * ((range).y - (range).x) / (workers), \
              endBlock = (range).x + ((worker) + 1) * ((range).y - (range).x) / (workers); \
         block < endBlock; block++)
#define EACH_BLOCK(range) EACH_BLOCK_OF(range, (long)get_global_id(0), (long)get_global_size(0))

#define WORK_ITEM __attribute__((reqd_work_group_size(1, 1, 1)))
#define EACH_ROW _Pragma("unroll") for (int r = 0; r < ROWS; r++)
#define EACH_VECTOR _Pragma("unroll") for (int v = 0; v < VECTORS; v++)

/* Vectors of a panel that hold any of `count` remaining positions. */
static inline int vectors_of(const long count) { return min((count + LANES - 1) / LANES, (long)VECTORS); }

/* a[r, n] for the first `vectors` vectors of a panel, the others zero. */
static inline void multiply(
    Lanes a[ROWS][VECTORS], __global const float *restrict rows, __global const Lanes *restrict columns,
    const int terms, const int vectors)
{
    EACH_ROW EACH_VECTOR a[r][v] = (Lanes)(0.0f);
    if (vectors == VECTORS) {
#pragma unroll UNROLL
        for (int k = 0; k < terms; k++) {
            Lanes x[VECTORS];
            EACH_VECTOR x[v] = columns[v];
            EACH_ROW {
                const Lanes factor = (Lanes)(rows[r]);
                EACH_VECTOR a[r][v] = fma(factor, x[v], a[r][v]);
            }
            rows += ROWS;
            columns += VECTORS;
        }
        return;
    }
    EACH_VECTOR if (v < vectors) {
        Lanes b[ROWS];
        EACH_ROW b[r] = (Lanes)(0.0f);
        for (int k = 0; k < terms; k++) {
            const Lanes x = columns[k * VECTORS + v];
            EACH_ROW b[r] = fma((Lanes)(rows[k * ROWS + r]), x, b[r]);
        }
        EACH_ROW a[r][v] = b[r];
    }
}

/* LANES numbers, `step` apart; those from `count` on are zero. */
static inline Lanes load_some(__global const float *p, const long step, const long count)
{
    if (step == 1 && count >= LANES) return LOAD(p);
    float lane[LANES];
    for (int i = 0; i < LANES; i++) lane[i] = i < count ? p[i * step] : 0.0f;
    return LOAD(lane);
}

/* Stores the first `count` numbers, `step` apart. */
static inline void store_some(const Lanes value, __global float *p, const long step, const long count)
{
    if (step == 1 && count >= LANES) {
        STORE(value, p);
        return;
    }
    float lane[LANES];
    STORE(value, lane);
    for (int i = 0; i < min((long)LANES, count); i++) p[i * step] = lane[i];
}

/* Packs x from position `first` on into column panels, [panel][channel][PANEL], zeros beyond the last position. */
static inline void pack_columns(
    __global const float *x, const long8 view, const long first, const int panels, const int channels,
    const int positions, const float sign, __global Lanes *restrict packed)
{
    x += first * view.s4;
    const long count = positions - first;
    const int whole = view.s4 == 1 ? min((long)panels, count / PANEL) : 0;
    for (int c = 0; c < channels; c++) {
        for (int panel = 0; panel < whole; panel++)
            EACH_VECTOR packed[((long)panel * channels + c) * VECTORS + v] =
                sign * LOAD(x + panel * PANEL + v * LANES);
        for (int panel = whole; panel < panels; panel++)
            EACH_VECTOR {
                const long n = (long)panel * PANEL + v * LANES;
                packed[((long)panel * channels + c) * VECTORS + v] =
                    sign * load_some(x + n * view.s4, view.s4, count - n);
            }
        x += view.s3;
    }
}
