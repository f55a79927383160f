/* Matrix products on tensor cores: y[r, n] = Σ_k a[r, k] b[n, k] + bias[r] (+ residual[r, n]).
 *
 * As a projection a holds the weights, of up to three maps one below the other, and b the positions. Rows
 * [0, second) go to the first view, [second, third) to the second, the rest to the third.
 *
 * A work-group computes 128 × 128 results. Its warps form a grid of 2 × 4, each with 4 tiles of 16 rows and 2 tiles
 * of 16 columns, so what a warp reads from local memory is used for two or four products. a and b come DEPTH tiles
 * of terms at a time through a ring of RING buffers.
 * With PARTS 2 what the tensor cores sum, rounding toward zero, is never longer than a stage.
 *
 * NDRange: (⌈columns / 128⌉ · 256, ⌈rows / 128⌉, groups from firstGroup on), work-groups of 256.
 */

/* Tiles of terms in a stage. */
#ifndef DEPTH
#define DEPTH (2 / PARTS)
#endif
#ifndef RING
#define RING 3
#endif

#define THREADS 256
#define BLOCK 8 /* tiles of a work-group, of either side */
#define ROW_TILES 4
#define COLUMN_TILES 2
#define SIDE (BLOCK * DEPTH * FRAGMENT) /* uint4 in a stage of a, and of b */
#define ARENA (RING * 2 * SIDE)

INLINE void send_stage(Warp *const warp, const int into, __global const uint4 *const a, __global const uint4 *const b)
{
    const int thread = THREAD;
    EACH(i, SIDE / THREADS) {
        copy_async(warp, thread, into + i * THREADS, a + i * THREADS);
        copy_async(warp, thread, into + SIDE + i * THREADS, b + i * THREADS);
    }
}

/* The view that a row goes to. */
#define ONE_OF(row, first, other, last) ((row) < second ? (first) : (row) < third ? (other) : (last))

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void warp_product(
    __global const uint4 *restrict a, /* image by rows, blocks of 8 */
    __global const uint4 *restrict b, /* image by rows, blocks of 8 */
    const int sharesA, /* whether all groups have the same a */
    __global const float *restrict aLimits, const int firstALimit, /* of each row of a shared a, else of each group */
    __global const float *restrict bLimits, const int firstBLimit,
    __global const float *restrict bias, const int hasBias, /* [rows] */
    __global const float *residual, const long8 residualView, const int hasResidual,
    __global float *y0, const long8 view0, __global float *y1, const long8 view1, __global float *y2,
    const long8 view2, const int second, const int third,
    const int rows, const int columns, const int stages, const int firstGroup)
{
    WARP_BEGIN
    const int thread = THREAD, lane = thread % 32;
    const int warpRow = thread / 128, warpColumn = thread / 32 % 4;
    const int group = firstGroup + GROUP_ID(2);
    a += ((sharesA ? 0 : (long)group * get_num_groups(1)) + GROUP_ID(1)) * stages * SIDE + thread;
    b += ((long)group * get_num_groups(0) + GROUP_ID(0)) * stages * SIDE + thread;

    float4 sum[ROW_TILES][COLUMN_TILES * 2];
    EACH(m, ROW_TILES) EACH(n, COLUMN_TILES * 2) sum[m][n] = (float4)(0.0f);

    EACH(i, RING - 1) {
        if (i < stages) send_stage(warp, i * 2 * SIDE, a + i * SIDE, b + i * SIDE);
        copies_commit(warp);
    }
    int from = 0, into = (RING - 1) * 2 * SIDE;
    _Pragma("unroll 1") for (int stage = 0; stage < stages; stage++) {
        WAIT(warp);
        warp_barrier(warp);
        if (stage + RING - 1 < stages) send_stage(warp, into, a + (RING - 1) * SIDE, b + (RING - 1) * SIDE);
        copies_commit(warp);
        a += SIDE;
        b += SIDE;

        float4 chain[ROW_TILES][COLUMN_TILES * 2];
        EACH(m, ROW_TILES) EACH(n, COLUMN_TILES * 2) chain[m][n] = PARTS == 1 ? sum[m][n] : (float4)(0.0f);
        EACH(k, DEPTH) {
            uint4 left[ROW_TILES][PARTS], right[COLUMN_TILES][PARTS];
            EACH(m, ROW_TILES) EACH(part, PARTS) left[m][part] = read_shared4(
                warp, from + warpRow * ROW_TILES * FRAGMENT + lane, (k * BLOCK + m) * FRAGMENT + part * 32);
            EACH(n, COLUMN_TILES) EACH(part, PARTS) right[n][part] = read_shared4(
                warp, from + warpColumn * COLUMN_TILES * FRAGMENT + lane,
                SIDE + (k * BLOCK + n) * FRAGMENT + part * 32);
            EACH(m, ROW_TILES) EACH(n, COLUMN_TILES) EACH(upper, 2)
                chain[m][2 * n + upper] = multiply(warp, chain[m][2 * n + upper], left[m], right[n], upper);
        }
        EACH(m, ROW_TILES) EACH(n, COLUMN_TILES * 2)
            sum[m][n] = PARTS == 1 ? chain[m][n] : sum[m][n] + chain[m][n];
        from = from == (RING - 1) * 2 * SIDE ? 0 : from + 2 * SIDE;
        into = into == (RING - 1) * 2 * SIDE ? 0 : into + 2 * SIDE;
    }

    const float limit = bLimits[firstBLimit + group];
    const int column = ((int)GROUP_ID(0) * BLOCK + warpColumn * COLUMN_TILES) * 16 + lane % 4 * 2;
    EACH(m, ROW_TILES) EACH(h, 2) {
        const int row = ((int)GROUP_ID(1) * BLOCK + warpRow * ROW_TILES + m) * 16 + h * 8 + lane / 4;
        if (row >= rows) continue;
        const long8 view = ONE_OF(row, view0, view1, view2);
        __global float *const y =
            ONE_OF(row, y0, y1, y2) + GROUP_OF(view, group) + (row - ONE_OF(row, 0, second, third)) * view.s3;
        __global const float *const added = residual + GROUP(residualView, group) + row * residualView.s3;
        const float shift = hasBias ? bias[row] : 0.0f;
        const float2 units = inverse_units_of(aLimits[firstALimit + (sharesA ? row : group)], limit);
        EACH(n, COLUMN_TILES * 2) EACH(i, 2) {
            const int at = column + n * 8 + i;
            if (at >= columns) continue;
            const float4 four = sum[m][n];
            float value = fma((h ? (i ? four.w : four.z) : (i ? four.y : four.x)) * units.x, units.y, shift);
            if (hasResidual) value += added[at * residualView.s4];
            y[at * view.s4] = value;
        }
    }
}
