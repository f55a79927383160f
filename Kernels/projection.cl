/* A 1×1×1 convolution: y[r, n] = Σ_c weight[r, c] x[c, n] + bias[r] (+ residual[r, n]).
 *
 * Serves θ, φ, g, the two halves of w_f, and W_z with the norm folded in.
 *
 * NDRange: (positions n, rounded up; ⌈outputs / ROWS⌉; items). One work-item: ROWS rows of one position.
 */

/* Σ_c weight[firstRow + r, c] x[c, n] for ROWS rows; rows beyond the last repeat it. */
static void projected_rows(
    __global const float *restrict weight, /* [outputs, inputs] */
    __global const float *restrict x,      /* of the item */
    const long8 xView, const int n, const int firstRow, const int inputs, const int outputs, float *total)
{
    long row[ROWS];
    EACH_ROW total[r] = 0.0f;
    EACH_ROW row[r] = (long)min(firstRow + r, outputs - 1) * inputs;
    x += AT(xView, 0, n);
    for (int first = 0; first < inputs; first += CHUNK) {
        const int last = min(first + CHUNK, inputs);
        float part[ROWS];
        EACH_ROW part[r] = 0.0f;
        for (int c = first; c < last; c++) {
            const float value = x[c * xView.s3];
            EACH_ROW part[r] += weight[row[r] + c] * value;
        }
        EACH_ROW total[r] += part[r];
    }
}

__kernel void projection(
    __global const float *restrict weight, __global const float *restrict bias, /* [outputs] */
    __global const float *restrict x, const long8 xView,
    __global float *restrict y, const long8 yView,
    const int inputs, const int outputs, const int positions)
{
    const int n = get_global_id(0);
    const int firstRow = get_global_id(1) * ROWS;
    const long item = get_global_id(2);
    if (n >= positions) return;
    float total[ROWS];
    projected_rows(weight, x + GROUP(xView, item), xView, n, firstRow, inputs, outputs, total);
    y += GROUP(yView, item);
    for (int r = 0; r < ROWS && firstRow + r < outputs; r++)
        y[AT(yView, firstRow + r, n)] = total[r] + bias[firstRow + r];
}

__kernel void projection_residual(
    __global const float *restrict weight, __global const float *restrict bias, /* [outputs] */
    __global const float *restrict x, const long8 xView,
    __global const float *restrict residual, const long8 residualView,
    __global float *restrict y, const long8 yView,
    const int inputs, const int outputs, const int positions)
{
    const int n = get_global_id(0);
    const int firstRow = get_global_id(1) * ROWS;
    const long item = get_global_id(2);
    if (n >= positions) return;
    float total[ROWS];
    projected_rows(weight, x + GROUP(xView, item), xView, n, firstRow, inputs, outputs, total);
    residual += GROUP(residualView, item);
    y += GROUP(yView, item);
    for (int r = 0; r < ROWS && firstRow + r < outputs; r++)
        y[AT(yView, firstRow + r, n)] =
            total[r] + bias[firstRow + r] + residual[AT(residualView, firstRow + r, n)];
}
