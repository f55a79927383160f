/* Fused softmax attention as in panel_attention.cl, which leaves out blocks of keys that can't matter. Queries and
 * keys come in an order in which neighbours are near each other (panel_order.cl), so that the keys of a block lie
 * in a small box. No key of block k scores higher with query i than
 *
 *   bound[k, i] = Σ_c max(θ[c, i], 0) high[c, k] + min(θ[c, i], 0) low[c, k]
 *
 * and all of the block weigh at most keys · exp(scale · (bound − m_i)). The sum of that over all blocks left out
 * stays below 2⁻²⁴ of l_i, the weights taken so far, for each query of a panel: what is left out is less than
 * rounding. m and l only grow, so what could be left out once still can be in the end.
 *
 * First each panel takes the blocks with the highest bounds for some of its queries, then it goes through the
 * others. Bounds are one product of boxes and the positive and negative parts of θ, by the tile of the kernels.
 */

/* Boxes of the key blocks, [groups][⌈blocks / ROWS⌉][2 d][ROWS], high and low of each channel in turn; zeros for
 * blocks that there are not. Each is wider on both sides by what rounding of a score and of its bound may come
 * to: a relative (d + 1) 2⁻²⁴ and (2 d + 3) 2⁻²⁴ of Σ_c |θ_c φ_c|. With a NaN or infinity in it a box has no end.
 *
 * NDRange: (⌈blocks / ROWS⌉ · ROWS, groups), work-group size 1. One work-item: one block.
 */
__kernel WORK_ITEM void panel_boxes(
    __global const float *restrict phi, const long8 phiView, /* [d, M] */
    __global float *restrict boxes, const int width, const int keys)
{
    const int block = get_global_id(0), firstKey = block * KEYS;
    const int count = min(KEYS, keys - firstKey);
    const float slack = (4 * width + 16) * 0x1p-24f;
    phi += GROUP(phiView, get_global_id(1));
    boxes += (get_global_id(1) * get_global_size(0) + block / ROWS * ROWS) * 2 * width + block % ROWS;
    for (int c = 0; c < width; c++) {
        float high = 0.0f, low = 0.0f;
        if (count > 0) {
            int isFinite = 1;
            high = -INFINITY;
            low = INFINITY;
            for (int j = 0; j < count; j++) {
                const float number = phi[AT(phiView, c, firstKey + j)];
                high = fmax(high, number);
                low = fmin(low, number);
                isFinite &= fabs(number) <= FLT_MAX;
            }
            const float wider = slack * fmax(fabs(high), fabs(low));
            high = isFinite ? high + wider : INFINITY;
            low = isFinite ? low - wider : -INFINITY;
        }
        boxes[2 * c * ROWS] = high;
        boxes[(2 * c + 1) * ROWS] = low;
    }
}

/* The positive and the negative part of each channel of one panel of queries. */
static inline void split_signs(
    __global const Lanes *restrict theta, const int width, __global Lanes *restrict parts)
{
    for (int c = 0; c < width; c++)
        EACH_VECTOR {
            const Lanes number = theta[c * VECTORS + v];
            parts[2 * c * VECTORS + v] = number < 0.0f ? (Lanes)(0.0f) : number;
            parts[(2 * c + 1) * VECTORS + v] = number < 0.0f ? number : (Lanes)(0.0f);
        }
}

/* Copies the first query of a panel over the lanes that have none, which must not keep blocks from being left out. */
static inline void fill_panel(__global Lanes *restrict panel, const int width, const int count)
{
    __global float *const lane = (__global float *)panel;
    for (int c = 0; c < width; c++)
        for (int i = count; i < PANEL; i++) lane[c * PANEL + i] = lane[c * PANEL];
}

/* For each query of a panel the number of the block with the highest bound. */
static inline void find_nearest(
    __global Lanes *restrict nearest, __global const float *restrict boxes,
    __global const Lanes *restrict parts, const int width, const int keyBlocks)
{
    Lanes highest[VECTORS], best[VECTORS];
    EACH_VECTOR {
        highest[v] = (Lanes)(-INFINITY);
        best[v] = (Lanes)(0.0f);
    }
    for (int first = 0; first < keyBlocks; first += ROWS) {
        Lanes bound[ROWS][VECTORS];
        multiply(bound, boxes + (long)first * 2 * width, parts, 2 * width, VECTORS);
        EACH_ROW if (first + r < keyBlocks)
            EACH_VECTOR {
                best[v] = bound[r][v] > highest[v] ? (Lanes)(first + r) : best[v];
                highest[v] = bound[r][v] > highest[v] ? bound[r][v] : highest[v];
            }
    }
    EACH_VECTOR nearest[v] = best[v];
}

/* Whether a block can be left out, which is then counted among what is: left[PANEL], in units of exp(scale · m). */
static inline int leave_out(
    __global Lanes *restrict left, __global const Lanes *restrict state, const Lanes bound[VECTORS],
    const Lanes factor, const int keys)
{
    /* power_of_two gives no less than this for what isn't clearly nothing. */
    const Lanes low = (Lanes)(-126.0f), share = (Lanes)(0x1p-24f);
    Lanes mass[VECTORS];
    JOIN(int, LANES) fits = (JOIN(int, LANES))(-1);
    EACH_VECTOR {
        const Lanes exponent = (bound[v] - state[v]) * factor;
        mass[v] = fma((Lanes)(keys), power_of_two(exponent < low ? low : exponent), left[v]);
        /* False with a NaN. */
        fits &= (exponent < 0.0f) & (mass[v] <= share * state[VECTORS + v]);
    }
    if (!all(fits)) return 0;
    EACH_VECTOR left[v] = mass[v];
    return 1;
}

/* Parameters as panel_attention.cl has them, with φ, g and y in the orders of keys and queries, and one share.
 * Blocks of queries go round the W work-items, since some leave out more keys than others.
 * Scratch, floats a work-item: PANEL · (blockPanels · (3 d + 2 + state) + KEYS).
 *
 * NDRange: (W), work-group size 1.
 */
__kernel WORK_ITEM void panel_attention_skipping(
    __global const float *restrict theta, const long8 thetaView,
    __global const float *restrict phi, const long8 phiView, __global const float *restrict g, const long8 gView,
    __global const float *restrict boxes, /* panel_boxes */
    __global float *restrict y, const long8 yView, const int width, const int valueChannels,
    const int queries, const int keys, const float scale, const int blockPanels,
    const int ownWeight,
    __global int *restrict computed, /* [groups][⌈N / PANEL⌉], the number of blocks that were not left out */
    __global Lanes *restrict scratch, const long2 range /* of blocks */)
{
    const int panels = (queries + PANEL - 1) / PANEL;
    const int blocks = (panels + blockPanels - 1) / blockPanels;
    const int tiles = (valueChannels + ROWS - 1) / ROWS;
    const int keyBlocks = (keys + KEYS - 1) / KEYS;
    const long stateSize = (long)(tiles * ROWS + 2) * VECTORS; /* of a panel: m, l, y */
    const Lanes factor = BASE_TWO(scale);

    scratch += get_global_id(0) * (blockPanels * ((3 * width + 2) * VECTORS + stateSize) + KEYS * VECTORS);
    __global Lanes *const parts = scratch + (long)blockPanels * width * VECTORS;
    __global Lanes *const nearest = parts + (long)blockPanels * 2 * width * VECTORS;
    __global Lanes *const left = nearest + blockPanels * VECTORS;
    __global Lanes *const p = left + blockPanels * VECTORS;
    __global Lanes *const states = p + KEYS * VECTORS;

    for (long block = range.x + get_global_id(0); block < range.y; block += get_global_size(0)) {
        const long group = block / blocks;
        const int firstPanel = block % blocks * blockPanels;
        const int count = min(blockPanels, panels - firstPanel);
        __global const float *const groupPhi = phi + GROUP(phiView, group);
        __global const float *const groupG = g + GROUP(gView, group);
        __global const float *const groupBoxes =
            boxes + group * ((keyBlocks + ROWS - 1) / ROWS) * ROWS * 2 * width;
        __global int *const groupComputed = computed + group * panels + firstPanel;
        pack_columns(
            theta + GROUP(thetaView, group), thetaView, (long)firstPanel * PANEL, count, width, queries,
            scale < 0.0f ? -0.5f : 0.5f, scratch);
        fill_panel(
            scratch + (long)(count - 1) * width * VECTORS, width,
            min(PANEL, queries - (firstPanel + count - 1) * PANEL));

#define ATTEND(panel, block) \
    attend( \
        states + (panel) * stateSize, p, groupPhi, groupG, 0, 0, 0.0f, 0, \
        scratch + (long)(panel) * width * VECTORS, width, tiles, (firstPanel + (panel)) * PANEL, (block) * KEYS, \
        min(KEYS, keys - (block) * KEYS), keys, factor, ownWeight, 0, VECTORS)

/* The blocks to begin with: those of one query of each vector, since neighbours have the same ones. */
#define NEAREST(panel) ((__global const float *)(nearest + (panel) * VECTORS))

        for (int panel = 0; panel < count; panel++) {
            split_signs(
                scratch + (long)panel * width * VECTORS, width, parts + (long)panel * 2 * width * VECTORS);
            for (int i = 0; i < stateSize; i++)
                states[panel * stateSize + i] = (Lanes)(i < VECTORS ? -0.5f * FLT_MAX : 0.0f);
            EACH_VECTOR left[panel * VECTORS + v] = (Lanes)(0.0f);
            find_nearest(
                nearest + panel * VECTORS, groupBoxes, parts + (long)panel * 2 * width * VECTORS, width, keyBlocks);
            groupComputed[panel] = 0;
            for (int i = 0; i < PANEL; i += LANES) {
                int isNew = 1;
                for (int other = 0; other < i; other += LANES) isNew &= NEAREST(panel)[other] != NEAREST(panel)[i];
                if (!isNew) continue;
                ATTEND(panel, (int)NEAREST(panel)[i]);
                groupComputed[panel]++;
            }
        }

        for (int first = 0; first < keyBlocks; first += ROWS)
            for (int panel = 0; panel < count; panel++) {
                __global Lanes *const state = states + panel * stateSize;
                Lanes bound[ROWS][VECTORS];
                multiply(
                    bound, groupBoxes + (long)first * 2 * width,
                    parts + (long)panel * 2 * width * VECTORS, 2 * width, VECTORS);
                for (int r = 0; r < min(ROWS, keyBlocks - first); r++) {
                    const int keyBlock = first + r;
                    int isNearest = 0;
                    for (int i = 0; i < PANEL; i += LANES) isNearest |= NEAREST(panel)[i] == keyBlock;
                    if (isNearest
                        || leave_out(
                            left + panel * VECTORS, state, bound[r], factor,
                            min(KEYS, keys - keyBlock * KEYS)))
                        continue;
                    Lanes before[VECTORS];
                    EACH_VECTOR before[v] = state[v];
                    ATTEND(panel, keyBlock);
                    EACH_VECTOR left[panel * VECTORS + v] *= power_of_two((before[v] - state[v]) * factor);
                    groupComputed[panel]++;
                }
            }
        for (int panel = 0; panel < count; panel++)
            finish(
                states + panel * stateSize, groupG, 0, yView, 0, y + GROUP(yView, group), yView, valueChannels, tiles,
                (long)(firstPanel + panel) * PANEL, queries, keys, ownWeight);
    }
}
