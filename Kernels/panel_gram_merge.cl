/* What comes before and after panel_gram.cl.
 *
 * panel_gram_centre    μ, which the symmetric product takes from x: the mean of up to RUNS runs of LANES positions,
 *                      spread over all
 * panel_gram_merge     the product, from the shares
 * panel_gram_uncentre  a map's product with the symmetric one, as it were without μ
 */

#define RUNS 8

/* NDRange: (channels, groups), work-group size 1. One work-item: one channel. */
__kernel WORK_ITEM void panel_gram_centre(
    __global const float *restrict x, const long8 xView, __global float *restrict centre, /* [groups][channels] */
    const int positions)
{
    const long c = get_global_id(0), channels = get_global_size(0), group = get_global_id(1);
    x += GROUP(xView, group) + c * xView.s3;
    const int runs = clamp(positions / LANES, 1, RUNS);
    float sum = 0.0f;
    for (int run = 0; run < runs; run++) {
        const long first = (long)run * (positions / runs);
        for (int i = 0; i < min(LANES, positions); i++) sum += x[(first + i) * xView.s4];
    }
    centre[group * channels + c] = sum / (runs * min(LANES, positions));
}

/* product = factor · Σ over the shares. If symmetric, two columns more: Σ_n (x − μ) and μ.
 *
 * NDRange: (⌈rows / ROWS⌉, groups), work-group size 1. One work-item: one tile of rows.
 */
__kernel WORK_ITEM void panel_gram_merge(
    __global const Lanes *restrict shared, __global const float *restrict centre,
    __global float *restrict product, const long8 view, /* [channel: r, position: c] */
    const int rows, const int columns, const int shares, const int isSymmetric, const float factor)
{
    const long tile = get_global_id(0), group = get_global_id(1);
    const int tiles = CEILING(rows, ROWS), panels = COLUMN_PANELS(columns);
    const long size = SHARE_SIZE(rows, columns) / LANES;
    shared += group * shares * size;
    product += GROUP(view, group);
    const int count = min(ROWS, rows - (int)tile * ROWS);

    for (int panel = 0; panel < panels; panel++) {
        const int vectors = wanted_vectors(tile, panel, rows, columns, isSymmetric);
        for (int v = 0; v < vectors; v++)
            for (int r = 0; r < count; r++) {
                const long at = ((tile * panels + panel) * ROWS + r) * VECTORS + v;
                Lanes sum = shared[at];
                for (int share = 1; share < shares; share++) sum += shared[share * size + at];
                float lane[LANES];
                STORE(sum * factor, lane);
                const long row = tile * ROWS + r, first = panel * PANEL + v * LANES;
                const int last = min((long)LANES, (isSymmetric ? row + 1 : columns) - first);
                for (int i = 0; i < last; i++) product[AT(view, row, first + i)] = lane[i];
                if (isSymmetric)
                    for (int i = 0; i < last; i++) product[AT(view, first + i, row)] = lane[i];
            }
    }
    if (!isSymmetric) return;
    for (int r = 0; r < count; r++) {
        const long row = tile * ROWS + r;
        float sum = 0.0f;
        for (int share = 0; share < shares; share++)
            sum += ((__global const float *)(shared + share * size))[(long)tiles * ROWS * panels * PANEL + row];
        product[AT(view, row, columns)] = sum * factor;
        product[AT(view, row, columns + 1)] = centre[group * rows + row];
    }
}

/* Puts the mean back on one side, where it no longer cancels. With b = W μ + bias, Σ x = s + M μ, ones below x:
 *
 *   W [G | s | μ]  →  factor · Σ_n (W x + bias) [x; 1]ᵀ = factor · [W G + (W s) μᵀ + b (s + M μ)ᵀ | W s + M b]
 *
 * NDRange: (rows, groups), work-group size 1. One work-item: one row.
 */
__kernel WORK_ITEM void panel_gram_uncentre(
    __global float *restrict product,       /* [groups][rows][channels + 2], in place; the last column is left */
    __global const float *restrict bias,    /* [rows] */
    __global const float *restrict moments, /* [groups][channels][channels + 2], as panel_gram_merge leaves them */
    const int channels, const int positions, const float factor)
{
    const long row = get_global_id(0), rows = get_global_size(0), group = get_global_id(1), width = channels + 2;
    product += (group * rows + row) * width;
    moments += group * channels * width + channels;
    const float projectedSum = product[channels];
    const float b = product[channels + 1] + bias[row];
    for (int c = 0; c < channels; c++) {
        const float sum = moments[c * width], mean = moments[c * width + 1];
        product[c] = factor * (product[c] + projectedSum * mean + b * (sum + positions * mean));
    }
    product[channels] = factor * (projectedSum + positions * b);
}
