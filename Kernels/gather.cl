/* Chosen positions of a tensor: y[c, k] = x[c, index[k]].
 *
 * NDRange: (chosen positions k, rounded up; channels; items).
 */
__kernel void gather(
    __global const float *restrict x, const long8 xView,
    __global const int *restrict index, /* [count] */
    __global float *restrict y, const long8 yView, const int count)
{
    const int k = get_global_id(0);
    const int c = get_global_id(1);
    const long item = get_global_id(2);
    if (k >= count) return;
    y[GROUP(yView, item) + AT(yView, c, k)] = x[GROUP(xView, item) + AT(xView, c, index[k])];
}
