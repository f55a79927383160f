/* Max pooling, kernel = stride, partial windows dropped: y[c, k] = max over k's window of x[c, ·].
 *
 * Positions are a grid (t, h, w), flattened as (t·H + h)·W + w; flat pooling is a grid 1×1×N with a window
 * 1×1×k. A NaN in the window is the result, as in PyTorch.
 *
 * NDRange: (pooled positions k, rounded up; channels; items).
 */
__kernel void max_pool(
    __global const float *restrict x, const long8 xView,
    __global float *restrict y, const long8 yView,
    const int4 grid,   /* T, H, W of x */
    const int4 window, /* t, h, w */
    const int pooled)  /* positions of y */
{
    const int k = get_global_id(0);
    const int c = get_global_id(1);
    const long item = get_global_id(2);
    if (k >= pooled) return;
    const int pooledH = grid.y / window.y, pooledW = grid.z / window.z;
    const int t0 = k / (pooledH * pooledW) * window.x;
    const int h0 = k / pooledW % pooledH * window.y;
    const int w0 = k % pooledW * window.z;

    x += GROUP(xView, item) + c * xView.s3;
    float result = -INFINITY;
    for (int t = t0; t < t0 + window.x; t++)
        for (int h = h0; h < h0 + window.y; h++)
            for (int w = w0; w < w0 + window.z; w++) {
                const float value = x[((t * grid.y + h) * grid.z + w) * xView.s4];
                result = value > result || isnan(value) ? value : result;
            }
    y[GROUP(yView, item) + AT(yView, c, k)] = result;
}
