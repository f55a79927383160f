/* Sorts b of each group from the greatest down, for tile_prefix.cl.
 *
 *   sorted[k] = (key of b_j, j) as one number: key · 2³² + j, keys as in sort_key.cl, flipped
 *
 * No two of these numbers are equal, so any way of sorting keeps equal b in the order of their positions.
 *
 *   tile_sort         sorts runs of SORT_RUN in local memory, by a bitonic network
 *   tile_sort_merge   makes one run of every two: each number goes to its place in its own run, moved on by as many
 *                     numbers of the other as are smaller
 */

/* Numbers of a run, a power of two. */
#define SORT_RUN 512

/* Work-items of a work-group, a power of two. */
#ifndef SORTERS
#define SORTERS 64
#endif

/* b and its position, of a sorted number. */
#define B_OF(number) as_float(bits_of((uint)((number) >> 32), ~0u))
#define POSITION_OF(number) ((int)((number) & 0xffffffffu))

/* Of both lists, later than any number. */
#define NO_NUMBER (~0ul)

/* NDRange: (⌈M / SORT_RUN⌉ · SORTERS; 1; groups), work-groups (SORTERS, 1, 1). */
__kernel __attribute__((reqd_work_group_size(SORTERS, 1, 1))) void tile_sort(
    __global const float *restrict phi, const long8 phiView, /* b, [M] of each group */
    __global ulong *restrict sorted,                         /* [groups][M] */
    const int keys)
{
    __local ulong run[SORT_RUN];
    const int id = get_local_id(0);
    const long group = get_global_id(2);
    const int first = get_group_id(0) * SORT_RUN, count = min(SORT_RUN, keys - first);
    phi += GROUP(phiView, group) + AT(phiView, 0, (long)first);
    sorted += group * keys + first;
    int length = 1;
    while (length < count) length *= 2;

    for (int n = id; n < length; n += SORTERS)
        run[n] = n < count ? (ulong)key_of(phi[n * phiView.s4], ~0u) << 32 | (uint)(first + n) : NO_NUMBER;
    for (int size = 2; size <= length; size *= 2)
        for (int step = size / 2; step > 0; step /= 2) {
            barrier(CLK_LOCAL_MEM_FENCE); /* until the step before is done */
            for (int n = id; n < length / 2; n += SORTERS) {
                const int low = 2 * n - (n & (step - 1)), high = low + step;
                const ulong a = run[low], b = run[high];
                /* Every other sequence is sorted downwards. */
                if ((a > b) == ((low & size) == 0)) {
                    run[low] = b;
                    run[high] = a;
                }
            }
        }
    barrier(CLK_LOCAL_MEM_FENCE); /* until the last step is done */
    for (int n = id; n < count; n += SORTERS) sorted[n] = run[n];
}

/* NDRange: (M, rounded up; 1; groups). One work-item: one number. */
__kernel void tile_sort_merge(
    __global const ulong *restrict sorted, /* [groups][M], in sorted runs */
    __global ulong *restrict merged,       /* [groups][M], in runs of twice the length */
    const int keys, const int run)
{
    const long n = get_global_id(0), group = get_global_id(2);
    if (n >= keys) return;
    sorted += group * keys;
    merged += group * keys;
    const ulong number = sorted[n];
    const long pair = n / run / 2 * 2 * run;
    const int isSecond = n - pair >= run;
    /* The other run. */
    const long first = min(isSecond ? pair : pair + run, (long)keys);
    long low = first, high = min(first + run, (long)keys);
    while (low < high) {
        const long middle = (low + high) / 2;
        if (sorted[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    merged[n + low - first - (isSecond ? run : 0)] = number;
}
