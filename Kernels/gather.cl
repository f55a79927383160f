/* Chosen positions of a tensor, y[c, k] = x[c, index[k]], and the way back, y[c, index[k]] = x[c, k].
 *
 * NDRange: (chosen positions k, rounded up; channels; items).
 */
__kernel void gather(
    __global const float *restrict x, const long8 xView,
    __global const int *restrict index, /* [count], or [items][count] */
    const int indexStride,              /* from an item's index to the next's: 0 where all have the same */
    __global float *restrict y, const long8 yView, const int count)
{
    const int k = get_global_id(0);
    const int c = get_global_id(1);
    const long item = get_global_id(2);
    if (k >= count) return;
    y[GROUP(yView, item) + AT(yView, c, k)] = x[GROUP(xView, item) + AT(xView, c, index[item * indexStride + k])];
}

__kernel void scatter(
    __global const float *restrict x, const long8 xView,
    __global const int *restrict index, const int indexStride, /* as above */
    __global float *restrict y, const long8 yView, const int count)
{
    const int k = get_global_id(0);
    const int c = get_global_id(1);
    const long item = get_global_id(2);
    if (k >= count) return;
    y[GROUP(yView, item) + AT(yView, c, index[item * indexStride + k])] = x[GROUP(xView, item) + AT(xView, c, k)];
}
