/* A 1×1×1 convolution for CPU devices: y[r, n] = Σ_c weight[r, c] x[c, n] + bias[r] (+ residual[r, n]).
 *
 * panel_projection           rows [0, second) go to the first view, [second, third) to the second, the rest to
 *                            the third: θ, φ and g in one launch
 * panel_projection_residual  all rows to one view, plus a residual
 *
 * Work is cut into blocks of blockPanels · PANEL positions and blockTiles · ROWS rows, numbered rows first, then
 * positions, then items. Work-item w does blocks w, w + W, w + 2W, …, W the number of work-items.
 *
 * Scratch, floats a work-item: blockPanels · PANEL · (inputs + blockTiles · ROWS), aligned to a vector.
 *
 * NDRange: (W), work-group size 1.
 */

#define BLOCK_PARAMETERS \
    const int inputs, const int outputs, const int positions, const int items, \
    const int blockPanels, const int blockTiles, __global Lanes *restrict scratch

/* Declares the block's item, first panel and tile, and how many of each. */
#define EACH_BLOCK \
    const int panels = (positions + PANEL - 1) / PANEL; \
    const int tiles = (outputs + ROWS - 1) / ROWS; \
    const int panelBlocks = (panels + blockPanels - 1) / blockPanels; \
    const int tileBlocks = (tiles + blockTiles - 1) / blockTiles; \
    scratch += get_global_id(0) * blockPanels * VECTORS * (inputs + blockTiles * ROWS); \
    __global Lanes *const sums = scratch + (long)blockPanels * inputs * VECTORS; \
    for (long block = get_global_id(0); block < (long)items * panelBlocks * tileBlocks; \
         block += get_global_size(0))
#define OPEN_BLOCK \
    const long item = block / ((long)panelBlocks * tileBlocks); \
    const int firstPanel = block / tileBlocks % panelBlocks * blockPanels; \
    const int firstTile = block % tileBlocks * blockTiles; \
    const int panelCount = min(blockPanels, panels - firstPanel); \
    const int tileCount = min(blockTiles, tiles - firstTile); \
    const int rowCount = min(tileCount * ROWS, outputs - firstTile * ROWS); \
    pack_columns( \
        x + GROUP(xView, item), xView, (long)firstPanel * PANEL, panelCount, inputs, positions, 1.0f, scratch); \
    project(sums, weight, scratch, inputs, tiles, panelCount, firstTile, tileCount);

/* sums[panel][row][PANEL] of a block. */
static inline void project(
    __global Lanes *restrict sums, __global const float *restrict weight, __global const Lanes *restrict columns,
    const int inputs, const int tiles, const int panelCount, const int firstTile, const int tileCount)
{
    for (int first = 0; first < inputs; first += DEPTH) {
        const int terms = min(DEPTH, inputs - first);
        __global const float *part = weight + ((long)first * tiles + (long)firstTile * terms) * ROWS;
        for (int panel = 0; panel < panelCount; panel++) {
            for (int tile = 0; tile < tileCount; tile++) {
                Lanes a[ROWS][VECTORS];
                multiply(
                    a, part + (long)tile * terms * ROWS, columns + ((long)panel * inputs + first) * VECTORS, terms);
                __global Lanes *sum = sums + ((long)panel * tileCount + tile) * ROWS * VECTORS;
                if (first > 0)
                    EACH_ROW EACH_VECTOR a[r][v] += sum[r * VECTORS + v];
                EACH_ROW EACH_VECTOR sum[r * VECTORS + v] = a[r][v];
            }
        }
    }
}

__kernel WORK_ITEM void panel_projection(
    __global const float *restrict weight, /* [⌈inputs / DEPTH⌉][⌈outputs / ROWS⌉][DEPTH][ROWS], panel_pack.cl */
    __global const float *restrict bias,   /* [outputs] */
    __global const float *restrict x, const long8 xView,
    __global float *y0, const long8 view0,
    __global float *y1, const long8 view1,
    __global float *y2, const long8 view2,
    const int second, const int third, /* first rows of the second and the third view */
    BLOCK_PARAMETERS)
{
    EACH_BLOCK {
        OPEN_BLOCK
        for (int i = 0; i < rowCount; i++) {
            const int row = firstTile * ROWS + i;
            __global float *y = row < second ? y0 : row < third ? y1 : y2;
            const long8 view = row < second ? view0 : row < third ? view1 : view2;
            const int c = row - (row < second ? 0 : row < third ? second : third);
            y += GROUP(view, item) + c * view.s3;
            for (int panel = 0; panel < panelCount; panel++)
                EACH_VECTOR {
                    const long n = (long)(firstPanel + panel) * PANEL + v * LANES;
                    store_some(
                        sums[((long)panel * tileCount * ROWS + i) * VECTORS + v] + bias[row],
                        y + n * view.s4, view.s4, positions - n);
                }
        }
    }
}

__kernel WORK_ITEM void panel_projection_residual(
    __global const float *restrict weight, /* [⌈inputs / DEPTH⌉][⌈outputs / ROWS⌉][DEPTH][ROWS], panel_pack.cl */
    __global const float *restrict bias,   /* [outputs] */
    __global const float *restrict x, const long8 xView,
    __global const float *residual, const long8 residualView,
    __global float *y, const long8 yView,
    BLOCK_PARAMETERS)
{
    EACH_BLOCK {
        OPEN_BLOCK
        for (int i = 0; i < rowCount; i++) {
            const int row = firstTile * ROWS + i;
            __global const float *from = residual + GROUP(residualView, item) + row * residualView.s3;
            __global float *to = y + GROUP(yView, item) + row * yView.s3;
            for (int panel = 0; panel < panelCount; panel++)
                EACH_VECTOR {
                    const long n = (long)(firstPanel + panel) * PANEL + v * LANES;
                    store_some(
                        sums[((long)panel * tileCount * ROWS + i) * VECTORS + v] + bias[row]
                            + load_some(from + n * residualView.s4, residualView.s4, positions - n),
                        to + n * yView.s4, yView.s4, positions - n);
                }
        }
    }
}
