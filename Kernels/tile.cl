/* What the tile kernels share: products by work-groups, of slices in local memory.
 *
 *   sum[r, n] += Σ_k rows[k, r] columns[k, n]
 *
 * A work-group has SIDE × SIDE work-items and a tile of TILE × TILE sums. It multiplies DEPTH terms at a time, a
 * slice of each operand, [term][STRIDE] in local memory. In each of QUADS² blocks of the tile, work-item (x, y) has
 * the columns 4x … 4x + 3 of the rows 4y … 4y + 3: neighbours read neighbouring quads of columns, and together one
 * quad of rows, so that no two reads meet in a bank of local memory.
 *
 *   fetch the first slices into registers
 *   for each slice: registers to local memory; fetch the next into registers; multiply
 *
 * What lies beyond an operand's end is fetched as 0, which adds nothing, so tiles of any size take one path. Operands
 * are kept as tile_storage.cl has them; slices and sums are floats.
 */

/* Work-items along each side of a work-group. */
#ifndef SIDE
#define SIDE 16
#endif

/* Quads of rows, and of columns, that a work-item has: sums take 16 · QUADS² registers, twice. */
#ifndef QUADS
#define QUADS 1
#endif

/* Terms of a slice, a multiple of 8. */
#ifndef DEPTH
#define DEPTH 16
#endif

/* Terms summed in one accumulator, whole slices; longer sums are taken in parts, which keeps rounding low. */
#ifndef PART
#define PART 128
#endif

/* Loops over registers are written out, since registers have no addresses. Where they have, on a CPU, it gains
 * nothing and takes compilers minutes: ROLLED leaves it to them. */
#ifdef ROLLED
#define UNROLL
#define UNROLL_TERMS
#else
#define UNROLL _Pragma("unroll")
#define UNROLL_TERMS _Pragma("unroll 8")
#endif

/* What a term adds to a quad of sums. */
#ifndef ADD_TERM
#define ADD_TERM(sum, a, x) sum += (a) * (x)
#endif

#define BLOCK (4 * SIDE)
#define TILE (BLOCK * QUADS)
/* One quad more than a row has: eight terms of four columns then lie in 32 banks. */
#define STRIDE (TILE + 4)
#define QUAD_STRIDE (STRIDE / 4)
#define SLICE (DEPTH * QUAD_STRIDE)
#define WORK_ITEMS (SIDE * SIDE)
#define LOADS (DEPTH * TILE / WORK_ITEMS)
#define RUN 8

#define WORK_GROUP __attribute__((reqd_work_group_size(SIDE, SIDE, 1)))
#define EACH_LOAD UNROLL for (int load = 0; load < LOADS; load++)
#define EACH_QUAD(q) UNROLL for (int q = 0; q < QUADS; q++)
#define EACH_SUM UNROLL for (int r = 0; r < 4 * QUADS; r++) EACH_QUAD(q)

/* Strides of an operand: from a term to the next, and from a row or column to the next. */
#define BY_TERMS(strides) ((strides).x == 1 && (strides).y != 1)

/* Term and column of a number of a slice, such that neighbouring work-items read neighbouring numbers: RUN terms
 * of a column where terms lie side by side, all columns of a term else. */
static uint2 place(const uint number, const int byTerms)
{
    return byTerms ? (uint2)(number / (RUN * TILE) * RUN + number % RUN, number / RUN % TILE)
                   : (uint2)(number / TILE, number % TILE);
}

/* This work-item's share of a slice, of which `terms` × `count` numbers exist. */
static void fetch(
    float next[LOADS], __global const STORED *from, const long2 strides, const int terms, const int count)
{
    const uint id = get_local_id(1) * SIDE + get_local_id(0);
    EACH_LOAD {
        const uint2 at = place(id + load * WORK_ITEMS, BY_TERMS(strides));
        const int exists = (int)at.x < terms && (int)at.y < count;
        next[load] = exists ? READ(from, at.x * strides.x + at.y * strides.y) : 0.0f;
    }
}

/* Puts what was fetched into the slice. */
static void put(__local float4 *slice, const float next[LOADS], const long2 strides)
{
    const uint id = get_local_id(1) * SIDE + get_local_id(0);
    EACH_LOAD {
        const uint2 at = place(id + load * WORK_ITEMS, BY_TERMS(strides));
        ((__local float *)slice)[at.x * STRIDE + at.y] = next[load];
    }
}

/* Adds the products of DEPTH terms. */
static void multiply(
    float4 sum[4 * QUADS][QUADS], __local const float4 *rows, __local const float4 *columns)
{
    rows += get_local_id(1);
    columns += get_local_id(0);
    UNROLL_TERMS
    for (int k = 0; k < DEPTH; k++) {
        float4 x[QUADS];
        EACH_QUAD(q) x[q] = columns[q * SIDE];
        EACH_QUAD(p) {
            const float4 a = rows[p * SIDE];
            EACH_QUAD(q) {
                ADD_TERM(sum[4 * p][q], a.x, x[q]);
                ADD_TERM(sum[4 * p + 1][q], a.y, x[q]);
                ADD_TERM(sum[4 * p + 2][q], a.z, x[q]);
                ADD_TERM(sum[4 * p + 3][q], a.w, x[q]);
            }
        }
        rows += QUAD_STRIDE;
        columns += QUAD_STRIDE;
    }
}

/* sum[r, n] = Σ_k rows[k, r] columns[k, n] over all terms, of which `rowCount` rows and `columnCount` columns
 * exist. Called by all of the work-group with the same arguments. */
static void accumulate(
    float4 sum[4 * QUADS][QUADS], __local float4 *slices, /* two */
    __global const STORED *rows, const long2 rowStrides, const int rowCount,
    __global const STORED *columns, const long2 columnStrides, const int columnCount, const int terms)
{
    float nextRows[LOADS], nextColumns[LOADS];
    float4 part[4 * QUADS][QUADS];
    EACH_SUM sum[r][q] = part[r][q] = (float4)(0.0f);
    fetch(nextRows, rows, rowStrides, terms, rowCount);
    fetch(nextColumns, columns, columnStrides, terms, columnCount);
    for (int first = 0; first < terms; first += DEPTH) {
        barrier(CLK_LOCAL_MEM_FENCE); /* until nobody reads the slices before */
        put(slices, nextRows, rowStrides);
        put(slices + SLICE, nextColumns, columnStrides);
        barrier(CLK_LOCAL_MEM_FENCE);
        rows += DEPTH * rowStrides.x;
        columns += DEPTH * columnStrides.x;
        fetch(nextRows, rows, rowStrides, terms - first - DEPTH, rowCount);
        fetch(nextColumns, columns, columnStrides, terms - first - DEPTH, columnCount);
        multiply(part, slices, slices + SLICE);
        if ((first + DEPTH) % PART == 0) {
            EACH_SUM sum[r][q] += part[r][q];
            EACH_SUM part[r][q] = (float4)(0.0f);
        }
    }
    EACH_SUM sum[r][q] += part[r][q];
}

/* Up to four numbers, `step` apart; those from `count` on are 0. */
static float4 load_quad(__global const float *from, const long step, const int count)
{
    if (step == 1 && count >= 4) return vload4(0, from);
    return (float4)(
        count > 0 ? from[0] : 0.0f, count > 1 ? from[step] : 0.0f, count > 2 ? from[2 * step] : 0.0f,
        count > 3 ? from[3 * step] : 0.0f);
}

/* Stores the first `count` numbers, `step` apart. */
static void store_quad(const float4 value, __global float *to, const long step, const int count)
{
    if (step == 1 && count >= 4) {
        vstore4(value, 0, to);
        return;
    }
    if (count > 0) to[0] = value.x;
    if (count > 1) to[step] = value.y;
    if (count > 2) to[2 * step] = value.z;
    if (count > 3) to[3 * step] = value.w;
}
