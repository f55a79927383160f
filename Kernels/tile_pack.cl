/* Brings tensors into 16 bits, each group or each position scaled by itself (tile_storage.cl):
 *
 *   packed[c, n] = x[c, n] · 2^e, e = exponent_of(max |x|)
 *
 * Numbers that are no numbers, and infinities, count for nothing in the maximum, and stay what they are.
 */

/* Work-items of a work-group of tile_limit. */
#define SPAN 64

/* Channels of a work-item of tile_pack. */
#define PACKED 8

/* Numbers so much smaller than the largest that bfloat16 holds them as well as float16 or better. */
#define LEAST 0x1p-17f

/* limits[first + group] = max(limits[first + group], max |x|), in the bits of floats, which for positive ones are in
 * the order of the numbers.
 *
 * NDRange: (⌈positions / SPAN⌉ · SPAN; parts of the channels; groups), work-groups (SPAN, 1, 1).
 * One work-item: one position, every size(1)-th channel.
 */
__kernel __attribute__((reqd_work_group_size(SPAN, 1, 1))) void tile_limit(
    __global const float *restrict x, const long8 view, __global uint *limits, const int first,
    const int channels, const int positions)
{
    __local uint largest[SPAN];
    const int n = get_global_id(0), id = get_local_id(0);
    const long group = get_global_id(2);
    uint limit = 0;
    x += GROUP(view, group);
    if (n < positions)
        for (int c = get_global_id(1); c < channels; c += get_global_size(1)) {
            const float value = fabs(x[AT(view, (long)c, n)]);
            if (value < INFINITY) limit = max(limit, as_uint(value));
        }
    largest[id] = limit;
    for (int half_ = SPAN / 2; half_ > 0; half_ /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE); /* until the numbers before are there */
        if (id < half_) largest[id] = max(largest[id], largest[id + half_]);
    }
    if (id == 0) atomic_max(limits + first + group, largest[0]);
}

/* With `watches` misfits is set where a work-item meets numbers that are all below LEAST and not all zeros.
 *
 * NDRange: (positions, rounded up; ⌈channels / PACKED⌉; groups). One work-item: PACKED channels of a position.
 */
__kernel void tile_pack(
    __global const float *restrict x, const long8 view,
    __global const float *restrict limits, const int first, /* limits[first + group] is what x is scaled for … */
    const int byPositions, /* … or limits[n] what each position is */
    __global STORED *restrict packed, /* [groups][channels][positions] */
    const int channels, const int positions, __global uint *misfits, const int watches)
{
    const long n = get_global_id(0), group = get_global_id(2);
    const int firstChannel = get_global_id(1) * PACKED;
    if (n >= positions) return;
    const float factor = power_of_two(exponent_of(limits[byPositions ? n : first + group]));
    x += GROUP(view, group) + AT(view, 0, n);
    packed += group * channels * positions + n;
    float largest = 0.0f;
    for (int c = firstChannel; c < min(firstChannel + PACKED, channels); c++) {
        const float value = factor * x[AT(view, (long)c, 0)];
        largest = fmax(largest, fabs(value));
        WRITE(value, packed, (long)c * positions);
    }
    if (watches && largest > 0.0f && largest < LEAST) atomic_or(misfits, 1u);
}
