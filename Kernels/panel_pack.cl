/* Packs rows for the panel kernels: packed[group][part][⌈rows / ROWS⌉][term of the part][ROWS], zeros beyond the
 * last row. A part has `part` terms, the last one what remains, so that what is read together lies together.
 *
 * The view says where x[group][row r][term k] lies: its channel stride is that of the terms, its position
 * stride that of the rows.
 *   weights  rows: outputs   terms: inputs          part: DEPTH
 *   φ        rows: keys      terms: channels        part: DEPTH
 *   g        rows: channels  terms: keys            part: KEYS    (a view with the two strides exchanged)
 *
 * NDRange: (⌈⌈rows / ROWS⌉ / PACKED⌉, ⌈terms / part⌉, groups), work-group size 1.
 * One work-item: PACKED row panels of one part.
 */

/* Row panels a work-item packs, so that it reads whole cache lines. */
#ifndef PACKED
#define PACKED 8
#endif

__kernel WORK_ITEM void panel_pack(
    __global const float *restrict x, const long8 view, __global float *restrict packed, const int rows,
    const int terms, const int part)
{
    const long panels = (rows + ROWS - 1) / ROWS;
    const long firstRow = get_global_id(0) * PACKED * ROWS;
    const long firstTerm = get_global_id(1) * part;
    const long group = get_global_id(2);
    const int count = min((long)part, terms - firstTerm);
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
