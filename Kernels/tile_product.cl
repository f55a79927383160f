/* Blocked products of matrices, one of each group:
 *
 *   y[r, n] = factor · Σ_k rows[k, r] columns[k, n] (+ bias[r]) (+ residual[r, n])
 *
 * Serves the projections (rows = weights, columns = x; several maps of the same x one below the other), the
 * affinity (rows = φ, columns = θ), the aggregation (rows = g, columns = p, terms = keys) and the products of the
 * re-associated strategy; with ADD_TERM(sum, a, x) = sum −= (a − x)² the affinity of squared distances.
 *
 * A view's s7 is the group that its tensor begins with. Operands and results may lie in any order.
 * Rows and columns may be kept in 16 bits (tile_storage.cl), rows scaled each by itself or by groups.
 *
 * With `shares` > 1 the terms are shared among work-groups, and y is [group][share] of partial sums, for
 * tile_product_merge: for products with fewer tiles than a device has cores.
 *
 * NDRange: (⌈columns / TILE⌉ · SIDE, ⌈rows / TILE⌉ · SIDE, groups · shares), work-groups (SIDE, SIDE, 1).
 */

#define TILE_GROUP(v, k) GROUP(v, (k) + (v).s7)

/* What rows and columns are scaled for, if kept in 16 bits: where the first number lies, and how far the next group's
 * and the next row's. */
#if STORAGE == FLOAT32
#define LIMIT_PARAMETERS
#define UNSCALED(sum, group, row) (sum)
#else
#define LIMIT_PARAMETERS \
    , __global const float *rowLimits, const long4 rowLimitsAt, __global const float *columnLimits, \
        const long4 columnLimitsAt
#define UNSCALED(sum, group, row) \
    SCALED_BACK(sum, units_of( \
        rowLimits[rowLimitsAt.x + (group) * rowLimitsAt.y + (row) * rowLimitsAt.z], \
        columnLimits[columnLimitsAt.x + (group) * columnLimitsAt.y]))
#endif

/* One of the three results, by the row that it is of. */
#define ONE_OF(row, a, b, c) ((row) < second ? (a) : (row) < third ? (b) : (c))

#define HAS_BIAS 1
#define HAS_RESIDUAL 2
/* Rows and columns are the same, and the sums above the diagonal's tiles are those below it. */
#define IS_SYMMETRIC 4

__kernel WORK_GROUP void tile_product(
    __global const STORED *restrict rows, const long8 rowsView,       /* a channel is a term, a position a row */
    __global const STORED *restrict columns, const long8 columnsView, /* a channel is a term */
    __global const float *restrict bias, const long2 biasAt, /* the first group's, and how far the next one's */
    __global const float *restrict residual, const long8 residualView,
    __global float *y0, const long8 view0, /* a channel is a row */
    __global float *y1, const long8 view1,
    __global float *y2, const long8 view2,
    const int second, const int third, /* first rows of the second and the third result */
    const int rowCount, const int terms, const int columnCount, const int shares,
    const int has, /* HAS_BIAS, HAS_RESIDUAL, IS_SYMMETRIC */
    const float factor LIMIT_PARAMETERS)
{
    __local float4 slices[2 * SLICE];
    const long result = get_global_id(2), group = result / shares;
    const long share = result % shares;
    const int firstTerm = share * terms / shares, endTerm = (share + 1) * terms / shares;
    const int firstRow = get_global_id(1) / SIDE * TILE, firstColumn = get_group_id(0) * TILE;

    if (has & IS_SYMMETRIC && firstColumn > firstRow) return; /* all of the work-group's items */

    float4 sum[4 * QUADS][QUADS];
    accumulate(
        sum, slices, rows + TILE_GROUP(rowsView, group) + AT(rowsView, (long)firstTerm, firstRow),
        (long2)(rowsView.s3, rowsView.s4), rowCount - firstRow,
        columns + TILE_GROUP(columnsView, group) + AT(columnsView, (long)firstTerm, firstColumn),
        (long2)(columnsView.s3, columnsView.s4), columnCount - firstColumn, endTerm - firstTerm);

    EACH_SUM {
        const int row = firstRow + r / 4 * BLOCK + 4 * get_local_id(1) + r % 4;
        const int column = firstColumn + q * BLOCK + 4 * get_local_id(0);
        const int count = columnCount - column;
        if (row < rowCount && count > 0) {
            const long8 view = ONE_OF(row, view0, view1, view2);
            __global float *to = ONE_OF(row, y0, y1, y2) + TILE_GROUP(view, result);
            float4 value = factor * UNSCALED(sum[r][q], group, row);
            if (has & HAS_BIAS) value += bias[biasAt.x + group * biasAt.y + row];
            if (has & HAS_RESIDUAL)
                value += load_quad(
                    residual + TILE_GROUP(residualView, group) + AT(residualView, (long)row, column),
                    residualView.s4, count);
            store_quad(value, to + AT(view, (long)(row - ONE_OF(row, 0, second, third)), column), view.s4, count);
            if (has & IS_SYMMETRIC && firstColumn < firstRow)
                store_quad(value, to + AT(view, (long)column, row), view.s3, count);
        }
    }
}

/* y[r, n] = factor · Σ_s shared[s][r, n]
 *
 * NDRange: (columns n, rounded up; rows; groups). One work-item: one number. */
__kernel void tile_product_merge(
    __global const float *restrict shared, /* [groups][shares][rows][columns] */
    __global float *restrict y, const long8 yView, /* a channel is a row */
    const int rows, const int columns, const int shares, const float factor)
{
    const int n = get_global_id(0), r = get_global_id(1);
    const long group = get_global_id(2);
    if (n >= columns) return;
    float sum = 0.0f;
    for (long share = 0; share < shares; share++)
        sum += shared[((group * shares + share) * rows + r) * columns + n];
    y[GROUP(yView, group) + AT(yView, (long)r, n)] = factor * sum;
}
