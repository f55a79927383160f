/* Sorts the two lists of scores of each group, for the walk of sorted_aggregate.cl: b descending, a ascending.
 *
 *   sorted[k] = (bits of the float, its position), equal floats by their position
 *
 * A radix sort of the numbers of sort_key.cl, the least significant digit first.
 *
 *   count each digit of all numbers
 *   for each digit: first place of each of its values = Σ counts of smaller ones
 *                   move every number, in order, to the next place of its value
 *
 * NDRange: (groups, 2), work-group size 1. One work-item: list 0, b of one group, or list 1, a of one group.
 */

/* Bits of a digit: their values' counts stay in the first-level cache. An even number of digits has to make 32. */
#ifndef DIGIT
#define DIGIT 8
#endif

#define DIGITS (32 / DIGIT)
#define VALUES (1 << DIGIT)
#define DIGIT_OF(key, digit) ((key) >> (digit) * DIGIT & (VALUES - 1))

__kernel WORK_ITEM void sort(
    __global const float *restrict phi, const long8 phiView,     /* b, [M] of each group */
    __global const float *restrict theta, const long8 thetaView, /* a, [N] of each group */
    __global uint2 *restrict sorted, /* [groups][M], then [groups][N] */
    __global uint2 *restrict other,  /* as much scratch */
    const int keys, const int queries)
{
    const long group = get_global_id(0), groups = get_global_size(0);
    const int isTheta = get_global_id(1);
    const int count = isTheta ? queries : keys;
    const uint flip = isTheta ? 0u : ~0u;
    const long8 view = isTheta ? thetaView : phiView;
    const long first = isTheta ? groups * keys + group * queries : group * keys;
    __global const float *const x = (isTheta ? theta : phi) + GROUP(view, group);
    sorted += first;
    other += first;

    uint place[DIGITS][VALUES];
    for (int digit = 0; digit < DIGITS; digit++)
        for (int value = 0; value < VALUES; value++) place[digit][value] = 0;
    for (int n = 0; n < count; n++) {
        const uint key = key_of(x[n * view.s4], flip);
        for (int digit = 0; digit < DIGITS; digit++) place[digit][DIGIT_OF(key, digit)]++;
        sorted[n] = (uint2)(key, n);
    }
    for (int digit = 0; digit < DIGITS; digit++) {
        uint next = 0;
        for (int value = 0; value < VALUES; value++) {
            const uint number = place[digit][value];
            place[digit][value] = next;
            next += number;
        }
        __global const uint2 *const from = digit % 2 ? other : sorted;
        __global uint2 *const to = digit % 2 ? sorted : other;
        for (int n = 0; n < count; n++) {
            uint2 pair = from[n];
            const uint at = place[digit][DIGIT_OF(pair.x, digit)]++;
            if (digit == DIGITS - 1) pair.x = bits_of(pair.x, flip);
            to[at] = pair;
        }
    }
}
