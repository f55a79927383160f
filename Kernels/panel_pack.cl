/* The forms in which the panel kernels read rows: what is read together lies together.
 *
 *   BY_ROWS   [⌈terms / DEPTH⌉][⌈rows / ROWS⌉][DEPTH][ROWS]   weights: rows are outputs, terms inputs
 *                                                             φ: rows are keys, terms channels
 *   BY_KEYS   [⌈keys / KEYS⌉][⌈channels / ROWS⌉][KEYS][ROWS]  g
 *
 * The last part of a BY_ROWS form has what terms remain, all else is filled up; what fills it is never used.
 * A view of a packed tensor has its form in s6, the channels in s3 and the positions in s4.
 */
#define BY_ROWS 1
#define BY_KEYS 2

/* Where channel c of position n stands in a packed tensor. */
static inline long packed_index(const long8 view, const int c, const long n)
{
    if (view.s6 == BY_KEYS)
        return ((n / KEYS * ((view.s3 + ROWS - 1) / ROWS) + c / ROWS) * KEYS + n % KEYS) * ROWS + c % ROWS;
    const long first = c / DEPTH * DEPTH, terms = min((long)DEPTH, view.s3 - first);
    return (first * ((view.s4 + ROWS - 1) / ROWS) + n / ROWS * terms + c - first) * ROWS + n % ROWS;
}

/* Stores channel c at up to LANES positions from n on, of which `count` remain; n is a multiple of LANES where
 * the tensor is packed. */
static inline void store_positions(
    const Lanes value, __global float *y, const long8 view, const int c, const long n, const long count)
{
    if (view.s6 == 0) {
        store_some(value, y + AT(view, c, n), view.s4, count);
        return;
    }
    float lane[LANES];
    STORE(value, lane);
    if (view.s6 == BY_KEYS) {
        y += packed_index(view, c, n);
        for (int i = 0; i < LANES; i++) y[i * ROWS] = lane[i];
    } else {
        const long step = ROWS * min((long)DEPTH, view.s3 - c / DEPTH * DEPTH);
#if LANES % ROWS == 0
        y += packed_index(view, c, n);
        for (int h = 0; h < LANES / ROWS && h * ROWS < count; h++)
            EACH_ROW y[h * step + r] = lane[h * ROWS + r];
#else
        int r = n % ROWS;
        y += packed_index(view, c, n - r);
        for (int i = 0; i < min((long)LANES, count); i++) {
            y[r] = lane[i];
            if (++r == ROWS) {
                y += step;
                r = 0;
            }
        }
#endif
    }
}

/* Row panels a work-item packs, so that it reads whole cache lines. */
#ifndef PACKED
#define PACKED 8
#endif

/* Packs BY_ROWS: the view says where x[group][row r][term k] lies, its channel stride being that of the terms,
 * its position stride that of the rows. Zeros beyond the last row.
 *
 * NDRange: (⌈⌈rows / ROWS⌉ / PACKED⌉, ⌈terms / DEPTH⌉, groups), work-group size 1.
 * One work-item: PACKED row panels of one part.
 */
__kernel WORK_ITEM void panel_pack_rows(
    __global const float *restrict x, const long8 view, __global float *restrict packed, const int rows,
    const int terms)
{
    const long panels = (rows + ROWS - 1) / ROWS;
    const long firstRow = get_global_id(0) * PACKED * ROWS;
    const long firstTerm = get_global_id(1) * DEPTH;
    const long group = get_global_id(2);
    const int count = min((long)DEPTH, terms - firstTerm);
    const long row = view.s4, term = view.s3;
    x += GROUP(view, group) + firstTerm * term + firstRow * row;
    packed += (group * terms + firstTerm) * panels * ROWS + firstRow * count;

    const int whole = min((long)PACKED, (rows - firstRow) / ROWS);
    if (row == 1) {
        for (int k = 0; k < count; k++)
            for (int panel = 0; panel < whole; panel++)
                EACH_ROW packed[((long)panel * count + k) * ROWS + r] = x[k * term + panel * ROWS + r];
    } else {
        for (int panel = 0; panel < whole; panel++)
            for (int k = 0; k < count; k++)
                EACH_ROW packed[((long)panel * count + k) * ROWS + r] = x[k * term + (panel * ROWS + r) * row];
    }
    const int rest = min(rows - firstRow, (long)PACKED * ROWS) - whole * ROWS;
    if (rest > 0)
        for (int k = 0; k < count; k++)
            for (int r = 0; r < ROWS; r++)
                packed[((long)whole * count + k) * ROWS + r] =
                    r < rest ? x[k * term + (whole * ROWS + r) * row] : 0.0f;
}

/* Packs BY_KEYS, zeros beyond the last key and channel.
 *
 * NDRange: (⌈keys / KEYS⌉, ⌈channels / ROWS⌉, groups), work-group size 1. One work-item: a tile of channels.
 */
__kernel WORK_ITEM void panel_pack_keys(
    __global const float *restrict x, const long8 view, __global float *restrict packed, const int channels,
    const int keys)
{
    const long block = get_global_id(0), tile = get_global_id(1), group = get_global_id(2);
    const long tiles = get_global_size(1);
    x += GROUP(view, group);
    packed += ((group * get_global_size(0) + block) * tiles + tile) * ROWS * KEYS;
    for (int j = 0; j < KEYS; j += LANES) {
        const long n = block * KEYS + j;
        float lane[ROWS][LANES];
        EACH_ROW {
            const int c = tile * ROWS + r;
            STORE(load_some(x + AT(view, c, n), view.s4, c < channels ? keys - n : 0), lane[r]);
        }
        for (int i = 0; i < LANES; i++) EACH_ROW packed[(j + i) * ROWS + r] = lane[r][i];
    }
}
