/* A 1×1×1 convolution for CPU devices: y[r, n] = Σ_c weight[r, c] x[c, n] + bias[r] (+ residual[r, n]).
 *
 * panel_projection           rows [0, second) go to the first view, [second, third) to the second, the rest to
 *                            the third: θ, φ and g in one launch, φ and g perhaps into their packed forms
 * panel_projection_residual  all rows to one view, plus a residual
 *
 * Work is cut into blocks of blockPanels · PANEL positions and blockTiles · ROWS rows, numbered rows first, then
 * positions, then items. Each of W work-items does a run of blocks.
 *
 *   for each part of DEPTH inputs:
 *       pack the block's columns of x, unless the block before had the same
 *       for each panel of PANEL positions, tile of ROWS rows:
 *           sums[tile, panel] += weight[tile, part] x[part, panel]
 *
 * Channels of x lie far apart, so that packing waits for memory: it is a tenth of the time if done for each block.
 *
 * Scratch, a work-item: PROJECTION_SCRATCH vectors.
 *
 * NDRange: (W), work-group size 1.
 */

/* Where the rows of the product go. */
#define ONE_OF(row, first, other, last) ((row) < second ? (first) : (row) < third ? (other) : (last))

/* Vectors of scratch memory. */
#define PROJECTION_SCRATCH(inputs, blockPanels, blockTiles) \
    (VECTORS * ((long)(blockPanels) * ((inputs) + (blockTiles) * ROWS) + ROWS))

/* A range of blocks, or of them those of one of several workers. */
static inline void project(
    const long2 range, const long worker, const long workers, __global const float *restrict weights, const long2 weightAt,
    __global const float *restrict biases, const long2 biasAt, __global const float *restrict x,
    const long8 xView,
    __global const float *residual, const long8 residualView, /* null: none */
    __global float *y0, const long8 view0, __global float *y1, const long8 view1, __global float *y2,
    const long8 view2, const int second, const int third,
    const int inputs, const int outputs, const int positions, const int items,
    const int blockPanels, const int blockTiles, __global Lanes *restrict scratch /* the worker's own */)
{
    const int panels = (positions + PANEL - 1) / PANEL;
    const int tiles = (outputs + ROWS - 1) / ROWS;
    const int panelBlocks = (panels + blockPanels - 1) / blockPanels;
    const int tileBlocks = (tiles + blockTiles - 1) / blockTiles;
    __global Lanes *const finished = scratch + (long)blockPanels * inputs * VECTORS;
    __global Lanes *const sums = finished + ROWS * VECTORS;
    long packed = -1; /* the columns that are, of all items' */

    EACH_BLOCK_OF(range, worker, workers) {
        const long columns = block / tileBlocks;
        const int item = columns / panelBlocks;
        __global const float *const weight = weights + weightAt.x + item * weightAt.y;
        __global const float *const bias = biases + biasAt.x + item * biasAt.y;
        const int firstPanel = columns % panelBlocks * blockPanels;
        const int firstTile = block % tileBlocks * blockTiles;
        const int panelCount = min(blockPanels, panels - firstPanel);
        const int tileCount = min(blockTiles, tiles - firstTile);
        __global float *const to0 = y0 + GROUP(view0, item), *const to1 = y1 + GROUP(view1, item),
                       *const to2 = y2 + GROUP(view2, item);
        __global const float *const from = residual ? residual + GROUP(residualView, item) : 0;

        for (int first = 0; first < inputs; first += DEPTH) {
            const int terms = min(DEPTH, inputs - first);
            const int isLast = first + terms == inputs;
            __global const float *part = weight + ((long)first * tiles + (long)firstTile * terms) * ROWS;
            __global Lanes *const partColumns = scratch + (long)first * panelCount * VECTORS;
            if (columns != packed)
                pack_columns(
                    x + GROUP(xView, item) + first * xView.s3, xView, (long)firstPanel * PANEL, panelCount, terms,
                    positions, 1.0f, partColumns);
            for (int panel = 0; panel < panelCount; panel++) {
                const long n = (long)(firstPanel + panel) * PANEL;
                const int vectors = vectors_of(positions - n);
                for (int tile = 0; tile < tileCount; tile++) {
                    Lanes a[ROWS][VECTORS];
                    multiply(
                        a, part + (long)tile * terms * ROWS, partColumns + (long)panel * terms * VECTORS, terms,
                        vectors);
                    __global Lanes *sum = sums + ((long)panel * tileCount + tile) * ROWS * VECTORS;
                    if (first > 0)
                        EACH_ROW EACH_VECTOR a[r][v] += sum[r * VECTORS + v];
                    if (!isLast) {
                        EACH_ROW EACH_VECTOR sum[r * VECTORS + v] = a[r][v];
                        continue;
                    }
                    EACH_ROW EACH_VECTOR finished[r * VECTORS + v] = a[r][v];
                    const int firstRow = (firstTile + tile) * ROWS;
                    for (int r = 0; r < min(ROWS, outputs - firstRow); r++) {
                        const int row = firstRow + r;
                        const long8 view = ONE_OF(row, view0, view1, view2);
                        __global float *const to = ONE_OF(row, to0, to1, to2);
                        EACH_VECTOR if (v < vectors) {
                            Lanes value = finished[r * VECTORS + v] + bias[row];
                            const long count = positions - n - v * LANES;
                            if (residual)
                                value += load_some(
                                    from + AT(residualView, row, n + v * LANES), residualView.s4, count);
                            store_positions(
                                value, to, view, row - ONE_OF(row, 0, second, third), n + v * LANES, count);
                        }
                    }
                }
            }
        }
        packed = columns;
    }
}

__kernel WORK_ITEM void panel_projection(
    __global const float *restrict weight, /* packed BY_ROWS (panel_pack.cl) */
    const long2 weightAt, /* where the first item's lies, and how far the next one's: 0 where all share it */
    __global const float *restrict bias,   /* [outputs] */
    const long2 biasAt,
    __global const float *restrict x, const long8 xView,
    __global float *y0, const long8 view0,
    __global float *y1, const long8 view1,
    __global float *y2, const long8 view2,
    const int second, const int third, /* first rows of the second and the third view */
    const int inputs, const int outputs, const int positions, const int items,
    const int blockPanels, const int blockTiles, __global Lanes *restrict scratch,
    const long2 range /* of blocks */)
{
    project(
        range, get_global_id(0), get_global_size(0), weight, weightAt, bias, biasAt, x, xView, 0, view0, y0, view0, y1,
        view1, y2, view2, second, third, inputs, outputs, positions, items, blockPanels, blockTiles,
        scratch + get_global_id(0) * PROJECTION_SCRATCH(inputs, blockPanels, blockTiles));
}

__kernel WORK_ITEM void panel_projection_residual(
    __global const float *restrict weight, const long2 weightAt, __global const float *restrict bias,
    const long2 biasAt, /* as above */
    __global const float *restrict x, const long8 xView,
    __global const float *residual, const long8 residualView,
    __global float *y, const long8 yView,
    const int inputs, const int outputs, const int positions, const int items,
    const int blockPanels, const int blockTiles, __global Lanes *restrict scratch,
    const long2 range /* of blocks */)
{
    project(
        range, get_global_id(0), get_global_size(0), weight, weightAt, bias, biasAt, x, xView, residual, residualView,
        y, yView, y, yView, y, yView, outputs, outputs, inputs, outputs, positions, items, blockPanels,
        blockTiles, scratch + get_global_id(0) * PROJECTION_SCRATCH(inputs, blockPanels, blockTiles));
}
