/* The same tensor in another layout: y[c, n] = x[c, n], for kernels that want channels side by side where
 * positions are, or the other way round.
 *
 * Both are walked in squares of TILE × TILE, whose cache lines stay in the first-level cache until all of each
 * has been used.
 *
 * NDRange: (⌈positions / TILE⌉, groups), work-group size 1. One work-item: TILE positions of all channels.
 */

/* Numbers in a cache line. */
#ifndef TILE
#define TILE 16
#endif

__kernel WORK_ITEM void panel_transpose(
    __global const float *restrict x, const long8 xView,
    __global float *restrict y, const long8 yView,
    const int channels, const int positions)
{
    const long group = get_global_id(1);
    const long first = get_global_id(0) * TILE;
    const int count = min((long)TILE, positions - first);
    x += GROUP(xView, group) + AT(xView, 0, first);
    y += GROUP(yView, group) + AT(yView, 0, first);
    for (int firstChannel = 0; firstChannel < channels; firstChannel += TILE)
        for (int c = firstChannel; c < min(channels, firstChannel + TILE); c++)
            for (int n = 0; n < count; n++) y[AT(yView, c, n)] = x[AT(xView, c, n)];
}
