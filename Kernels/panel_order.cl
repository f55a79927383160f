/* Orders positions so that neighbours in the order are near each other in space, a k-d order: a node's positions
 * are split in two by the channel in which they vary most, each half by the one in which that half does, and so
 * on down to runs of `unit` positions, which then lie in small boxes. One launch splits the nodes of one level.
 *
 *   order[group][n]: the position of x that comes n-th. The launch of level 0 with span = count starts it.
 *
 * Each run of `span` positions is a tree of its own: a second series of launches, with the first one's unit for
 * its span, splits the runs further, into units that need not divide the tree's upper levels.
 * A node is split at a multiple of `unit`, found by radix selection on the bits of the numbers: in linear time
 * whatever they are, NaN included.
 *
 * NDRange: (2^level · ⌈count / span⌉, groups), work-group size 1. One work-item: one node.
 */

/* Positions of a node that are looked at to choose the channel. */
#ifndef SAMPLES
#define SAMPLES 128
#endif

static inline int widest_channel(
    __global const float *restrict x, const long8 view, __global const int *restrict order, const int width,
    const int count)
{
    const int step = max(1, count / SAMPLES);
    int widest = 0;
    float largest = 0.0f;
    for (int c = 0; c < width; c++) {
        float mean = 0.0f, spread = 0.0f;
        for (int i = 0; i < count; i += step) mean += x[AT(view, c, order[i])];
        mean /= (count + step - 1) / step;
        for (int i = 0; i < count; i += step) {
            const float difference = x[AT(view, c, order[i])] - mean;
            spread = fma(difference, difference, spread);
        }
        if (spread > largest) {
            largest = spread;
            widest = c;
        }
    }
    return widest;
}

/* Unsigned integers in the order of the numbers. */
static inline uint sortable(const float number)
{
    const uint bits = as_uint(number);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

__kernel WORK_ITEM void panel_order(
    __global const float *restrict x, const long8 view, /* [width, count] */
    __global int *restrict order,                       /* [groups][count] */
    const int width, const int count, const int span, const int unit, const int level)
{
    const long node = get_global_id(0) & ((1L << level) - 1), firstOfSpan = (get_global_id(0) >> level) * span;
    const int length = min((long)span, count - firstOfSpan);
    const long units = (length + unit - 1) / unit;
    const int first = (node * units >> level) * unit;
    const int middle = ((2 * node + 1) * units >> (level + 1)) * unit;
    const int end = min((long)length, ((node + 1) * units >> level) * unit);
    x += GROUP(view, get_global_id(1));
    order += get_global_id(1) * count + firstOfSpan;
    if (level == 0 && span == count)
        for (int i = 0; i < count; i++) order[i] = i;
    if (middle <= first || middle >= end) return;

    x += AT(view, widest_channel(x, view, order + first, width, end - first), 0);
#define KEY(i) sortable(x[AT(view, 0, order[i])])

    /* The value at the middle, digit by digit; the lower half gets `rank` of those that equal it. */
    int rank = middle - first;
    uint value = 0, known = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        int histogram[256];
        for (int digit = 0; digit < 256; digit++) histogram[digit] = 0;
        for (int i = first; i < end; i++) {
            const uint key = KEY(i);
            if ((key & known) == value) histogram[key >> shift & 255]++;
        }
        uint digit = 0;
        while (rank >= histogram[digit]) rank -= histogram[digit++];
        value |= digit << shift;
        known |= 255u << shift;
    }

    int equal = 0;
    for (int i = first; i < middle; i++) equal += KEY(i) == value;
    int surplus = max(equal - rank, 0), missing = max(rank - equal, 0);
    /* Both halves hold equally many that belong into the other. */
    for (int i = first, j = middle; i < middle; i++) {
        const uint key = KEY(i);
        if (key < value || (key == value && surplus == 0)) continue;
        if (key == value) surplus--;
        for (;; j++) {
            const uint other = KEY(j);
            if (other < value) break;
            if (other == value && missing > 0) {
                missing--;
                break;
            }
        }
        const int position = order[i];
        order[i] = order[j];
        order[j++] = position;
    }
#undef KEY
}
