/* A product over positions for CPU devices, whatever their number: product[r, c] = Σ_n a[r, n] b[c, n] in each
 * group, the two factors being channel-first. Or, with both the same x, the symmetric Σ_n (x − μ)(x − μ)ᵀ: with
 * any μ near the mean nothing cancels when the mean is taken out of the product later.
 *
 *   for each part of DEPTH positions:
 *       pack a [row][DEPTH] and b [panel][position][PANEL]
 *       for each panel of columns, tile of rows: sums[tile, panel] += a[tile, part] b[panel, part]ᵀ
 *
 * The symmetric product computes tiles that reach the diagonal or lie below it. Parts are summed in runs of
 * PARTS, and those once more: each sum has few terms however many positions there are.
 *
 * Positions are cut into shares, and each of W work-items does a run of groups and shares: panel_gram_merge.cl
 * makes the product of what they leave.
 *
 * Scratch, floats a work-item, aligned to a vector:
 *   DEPTH · (⌈rows / ROWS⌉ · ROWS + panels · PANEL) + SHARE_SIZE
 *
 * NDRange: (W), work-group size 1.
 */

/* Parts summed in one go. */
#ifndef PARTS
#define PARTS 64
#endif

#define CEILING(n, unit) (((n) + (unit) - 1) / (unit))
#define COLUMN_PANELS(columns) CEILING(columns, PANEL)

/* Floats that a share leaves: the tiles [tile][panel][ROWS][PANEL], and Σ_n b[c, n] [panel][PANEL]. */
#define SHARE_SIZE(rows, columns) ((long)(CEILING(rows, ROWS) * ROWS + 1) * COLUMN_PANELS(columns) * PANEL)

/* Vectors of a tile that hold wanted columns: 0 above the diagonal, fewer than VECTORS at it and at the end. */
static inline int wanted_vectors(
    const int tile, const int panel, const int rows, const int columns, const int isSymmetric)
{
    const int last = isSymmetric ? min(rows, (tile + 1) * ROWS) - 1 : columns - 1;
    return last < panel * PANEL ? 0 : min(VECTORS, (last - panel * PANEL) / LANES + 1);
}

/* multiply() on rows that lie DEPTH apart, for the first `vectors` vectors of the columns: a constant where it is
 * inlined, which it has to be for the tile to stay in registers. (Not restrict: Oclgrind knows nothing of what
 * that leaves in code which is always inlined.) */
__attribute__((always_inline)) static inline void multiply_rows(
    Lanes a[ROWS][VECTORS], __global const float *rows, __global const Lanes *columns,
    const int terms, const int vectors)
{
    EACH_ROW EACH_VECTOR a[r][v] = (Lanes)(0.0f);
#pragma unroll UNROLL
    for (int k = 0; k < terms; k++) {
        Lanes x[VECTORS];
        EACH_VECTOR if (v < vectors) x[v] = columns[v];
        EACH_ROW {
            const Lanes factor = (Lanes)(rows[r * DEPTH + k]);
            EACH_VECTOR if (v < vectors) a[r][v] = fma(factor, x[v], a[r][v]);
        }
        columns += VECTORS;
    }
}

/* Adds a part's sum to that of its run, and a finished run to the total. */
static inline void add_part(
    Lanes value, __global Lanes *restrict run, __global Lanes *restrict total, const int part,
    const int isLast)
{
    if (part % PARTS > 0) value += *run;
    if (part % PARTS < PARTS - 1 && !isLast)
        *run = value;
    else
        *total = part < PARTS ? value : *total + value;
}

/* Copies a part's positions of all channels, less μ, to packed[channel][DEPTH]; zeros up to `padded` channels. */
static inline void pack_rows(
    __global const float *x, const long channelStride, const long step, const int channels, const int padded,
    const int count, __global const float *centre, __global Lanes *restrict packed)
{
    for (int c = 0; c < padded; c++)
        for (int k = 0; k < count; k += LANES) {
            Lanes value = (Lanes)(0.0f);
            if (c < channels) value = load_some(x + c * channelStride + k * step, step, count - k);
            if (c < channels && centre) value -= centre[c];
            packed[(c * DEPTH + k) / LANES] = value;
        }
}

/* One of the log₂ LANES steps of transposing LANES vectors: the halves are interleaved. */
#define INTERLEAVE(from, to) \
    _Pragma("unroll") for (int i = 0; i < LANES / 2; i++) { \
        to[2 * i].even = from[i].lo; \
        to[2 * i].odd = from[i + LANES / 2].lo; \
        to[2 * i + 1].even = from[i].hi; \
        to[2 * i + 1].odd = from[i + LANES / 2].hi; \
    }

__attribute__((always_inline)) static inline void transpose(Lanes block[LANES])
{
    Lanes other[LANES];
    INTERLEAVE(block, other)
    INTERLEAVE(other, block)
#if LANES == 8
    INTERLEAVE(block, other)
    _Pragma("unroll") for (int i = 0; i < LANES; i++) block[i] = other[i];
#elif LANES == 16
    INTERLEAVE(block, other)
    INTERLEAVE(other, block)
#endif
}

/* Packs a part's positions to packed[panel][position][PANEL], zeros beyond the last channel. */
static inline void pack_transposed(
    __global const float *x, const long channelStride, const long step, const int channels, const int count,
    __global Lanes *restrict packed)
{
    for (int vector = 0; vector < COLUMN_PANELS(channels) * VECTORS; vector++) {
        __global Lanes *to = packed + ((long)(vector / VECTORS) * DEPTH * VECTORS + vector % VECTORS);
        const int c = vector * LANES;
        __global const float *from = x + c * channelStride;
        for (int k = 0; k < count; k += LANES, from += LANES * step) {
            Lanes block[LANES];
            if (step == 1 && c + LANES <= channels && k + LANES <= count) {
                _Pragma("unroll") for (int i = 0; i < LANES; i++) block[i] = LOAD(from + i * channelStride);
            } else {
                for (int i = 0; i < LANES; i++) {
                    block[i] = (Lanes)(0.0f);
                    if (c + i < channels) block[i] = load_some(from + i * channelStride, step, count - k);
                }
            }
            transpose(block);
            _Pragma("unroll") for (int i = 0; i < LANES; i++) to[(k + i) * VECTORS] = block[i];
        }
    }
}

__kernel WORK_ITEM void panel_gram(
    __global const float *restrict a, const long8 aView, /* [rows, positions] */
    __global const float *restrict b, const long8 bView, /* [columns, positions]; not read if symmetric */
    __global const float *restrict centre,               /* [groups][rows], if symmetric */
    __global Lanes *restrict shared,                     /* [groups][shares] of SHARE_SIZE */
    const int rows, const int columns, const int positions, const int groups, const int shares,
    const int isSymmetric, __global Lanes *restrict scratch)
{
    const int tiles = CEILING(rows, ROWS), panels = COLUMN_PANELS(columns);
    const int parts = CEILING(positions, DEPTH);
    const long size = SHARE_SIZE(rows, columns) / LANES;
    scratch += get_global_id(0) * (DEPTH * ((long)tiles * ROWS + panels * PANEL) / LANES + size);
    __global Lanes *const packedRows = scratch;
    __global Lanes *const packedColumns = packedRows + (long)tiles * ROWS * DEPTH / LANES;
    __global Lanes *const runs = packedColumns + (long)panels * VECTORS * DEPTH;

    EACH_BLOCK((long2)(0, (long)groups * shares)) {
        const long group = block / shares, share = block % shares;
        __global const float *const from = a + GROUP(aView, group);
        __global const float *const other = b + GROUP(bView, group);
        __global Lanes *const totals = shared + block * size;
        const int firstPart = share * parts / shares, endPart = (share + 1) * parts / shares;

        for (int part = firstPart; part < endPart; part++) {
            const long n = (long)part * DEPTH;
            const int terms = min((long)DEPTH, positions - n);
            const int done = part - firstPart, isLast = part + 1 == endPart;
            pack_rows(
                from + n * aView.s4, aView.s3, aView.s4, rows, tiles * ROWS, terms,
                isSymmetric ? centre + group * rows : 0, packedRows);
            if (isSymmetric)
                pack_transposed((__global const float *)packedRows, DEPTH, 1, columns, terms, packedColumns);
            else
                pack_transposed(other + n * bView.s4, bView.s3, bView.s4, columns, terms, packedColumns);

            for (int panel = 0; panel < panels; panel++) {
                __global const Lanes *const x = packedColumns + (long)panel * DEPTH * VECTORS;
                for (int tile = 0; tile < tiles; tile++) {
                    const int vectors = wanted_vectors(tile, panel, rows, columns, isSymmetric);
                    if (vectors == 0) continue;
                    __global const float *const row =
                        (__global const float *)packedRows + (long)tile * ROWS * DEPTH;
                    Lanes sum[ROWS][VECTORS];
                    if (vectors == VECTORS) multiply_rows(sum, row, x, terms, VECTORS);
                    else if (vectors == 2) multiply_rows(sum, row, x, terms, 2);
                    else multiply_rows(sum, row, x, terms, 1);
                    const long at = ((long)tile * panels + panel) * ROWS * VECTORS;
                    EACH_ROW EACH_VECTOR if (v < vectors)
                        add_part(sum[r][v], runs + at + r * VECTORS + v, totals + at + r * VECTORS + v, done, isLast);
                }
                Lanes sum[VECTORS];
                EACH_VECTOR sum[v] = (Lanes)(0.0f);
                for (int k = 0; k < terms; k++) EACH_VECTOR sum[v] += x[k * VECTORS + v];
                const long at = ((long)tiles * ROWS * panels + panel) * VECTORS;
                EACH_VECTOR add_part(sum[v], runs + at + v, totals + at + v, done, isLast);
            }
        }
    }
}
