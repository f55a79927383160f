/* Brings tensors into the images that the warp kernels read (warp_tile.cl). */

/* Work-items of a group of warp_limit. */
#ifndef SPAN
#define SPAN 64
#endif

/* limits[first + group] = max(limits[first + group], max |x|), in the bits of floats, which for positive ones are
 * in the order of the numbers. What is infinite or no number counts for nothing there, and stays what it is.
 *
 * NDRange: (⌈positions / SPAN⌉ · SPAN, parts of the channels, groups), work-groups of SPAN.
 * One work-item: one position, every size(1)-th channel.
 */
__kernel __attribute__((reqd_work_group_size(SPAN, 1, 1))) void warp_limit(
    __global const float *restrict x, const long8 view, __global uint *limits, const int first,
    const int channels, const int positions)
{
    __local uint largest[SPAN];
    const int n = get_global_id(0), i = get_local_id(0);
    const long group = get_global_id(2);
    uint limit = 0;
    x += GROUP_OF(view, group);
    if (n < positions)
        for (int c = get_global_id(1); c < channels; c += get_global_size(1)) {
            const float size = fabs(x[AT(view, c, n)]);
            if (size < INFINITY) limit = max(limit, as_uint(size));
        }
    largest[i] = limit;
    for (int half_ = SPAN / 2; half_ > 0; half_ /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (i < half_) largest[i] = max(largest[i], largest[i + half_]);
    }
    if (i == 0) atomic_max(limits + first + group, largest[0]);
}

/* Numbers so much smaller than the largest that bfloat16 holds them as well as float16 or better. */
#define LEAST 0x1p-17f

/* An image of sign · x, the view's channels being terms and its positions rows, zeros beyond both, as a left or a
 * right factor.
 *
 * With `watches` misfits is set where a work-item meets numbers that are all below LEAST and not all zeros.
 *
 * NDRange: (row tiles · 32, term tiles, groups). 32 work-items: one fragment.
 */
__kernel void warp_pack(
    __global const float *restrict x, const long8 view, __global uint4 *restrict image,
    __global const float *restrict limits, const int first, /* limits[first + group] is what x is scaled for … */
    const int scalesRows, /* … or limits[row] what each row is */
    const int rows, const int terms, const int termTiles, const int block, const int byTerms, const int isRight,
    const float sign, __global uint *misfits, const int watches)
{
    const int lane = get_global_id(0) % 32, rowTile = get_global_id(0) / 32, termTile = get_global_id(1);
    const int rowTiles = get_global_size(0) / 32;
    const long group = get_global_id(2);
    x += GROUP_OF(view, group);

    float number[8];
    for (int i = 0; i < 8; i++) {
        const long row = rowTile * 16 + lane / 4 + i / 2 % 2 * 8;
        const long term = termTile * 16 + lane % 4 * 2 + i / 4 * 8 + i % 2;
        number[i] = row < rows && term < terms
            ? sign * unit_of(limits[scalesRows ? row : first + group]) * x[AT(view, term, row)] : 0.0f;
    }
    float largest = 0.0f;
    for (int i = 0; i < 8; i++) largest = fmax(largest, fabs(number[i]));
    if (watches && largest > 0.0f && largest < LEAST) atomic_or(misfits, 1u);

    uint4 words[PARTS];
    to_fragment(words, vload2(0, number), vload2(1, number), vload2(2, number), vload2(3, number));
    image += group * rowTiles * termTiles * FRAGMENT + lane
        + (byTerms ? by_terms(rowTile, termTile, rowTiles, block) : by_rows(rowTile, termTile, termTiles, block));
    for (int part = 0; part < PARTS; part++) image[part * 32] = isRight ? words[part].xzyw : words[part];
}
