/* What the warp kernels, those for tensor cores, share: the form in which they read matrices.
 *
 * An image holds a matrix [row][term] in fragments of 16 × 16, each as 32 uint4, one for each lane of a warp, in
 * the order in which the mma instruction wants it. With r = lane / 4, k = 2 (lane % 4) a lane's words hold
 *
 *                                   left factor   right factor
 *   [r][k], [r][k + 1]                   x             x
 *   [r + 8][k], [r + 8][k + 1]           y             z
 *   [r][k + 8], [r][k + 9]               z             y
 *   [r + 8][k + 8], [r + 8][k + 9]       w             w
 *
 * A left one is one operand, a right one two, of rows 0 … 7 (xy) and 8 … 15 (zw): registers side by side, as the
 * instruction takes them. The products' results have, of rows of the left and rows of the right, [r][k], [r][k + 1]
 * in xy and [r + 8][k], [r + 8][k + 1] in zw. So results become left factors without any exchange between lanes.
 *
 * Fragments that are read together lie together, in blocks of `block` tiles:
 *   by rows   [row tile / block][term tile][row tile % block]   weights, θ, φ: rows are positions
 *   by terms  [term tile / block][row tile][term tile % block]  g: terms are positions
 *
 * PARTS 1: float16 (BFLOAT: bfloat16). PARTS 2: a second fragment behind each holds what rounding left of every
 * number, and three products make up one of nearly float32's accuracy.
 * Numbers are multiplied by a power of two, unit_of the largest magnitude, which keeps them and what rounding
 * left in float16's range.
 */
#ifndef PARTS
#define PARTS 1
#endif

/* Arrays whose every index is known stay in registers. Without registers to save, loops build faster. */
#if WARP_PTX
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("unroll 1")
#endif
#define EACH(i, count) UNROLL for (int i = 0; i < (count); i++)

/* Waits for the oldest of RING − 1 groups of copies under way. */
#define WAIT(warp) WAIT_IN_RING(warp, RING)
#define WAIT_IN_RING(warp, ring) JOIN(WAIT_, ring)(warp)
#define JOIN(a, b) a##b
#define WAIT_2(warp) COPIES_WAIT(warp, 0)
#define WAIT_3(warp) COPIES_WAIT(warp, 1)
#define WAIT_4(warp) COPIES_WAIT(warp, 2)

/* uint4 in a fragment. */
#define FRAGMENT (32 * PARTS)

/* The power of two that brings a largest magnitude to 2¹³ … 2¹⁴, and its inverse; its exponent as a float has it. */
INLINE int unit_exponent_of(const float limit) { return min(267 - (int)(as_uint(limit) >> 23), 253); }
INLINE float unit_of(const float limit) { return as_float((uint)unit_exponent_of(limit) << 23); }
INLINE float inverse_unit_of(const float limit)
{
    return as_float((254u << 23) - as_uint(unit_of(limit)));
}

/* The product of two inverses, as two factors: it may be beyond float32 where what it is multiplied by is not. */
INLINE float2 inverse_units_of(const float limit, const float other)
{
    const int exponent = 254 - unit_exponent_of(limit) - unit_exponent_of(other);
    return (float2)(
        as_float((uint)(127 + exponent / 2) << 23), as_float((uint)(127 + exponent - exponent / 2) << 23));
}

/* What makes a difference of scores an exponent of two. Were it infinite, no difference would give a NaN. */
INLINE float exponent_factor(
    const float scale, __global const float *const limits, const int group, const int groups)
{
    const float2 units = inverse_units_of(limits[group], limits[groups + group]);
    return fmin(fabs(scale) * 1.44269504f * units.x * units.y, FLT_MAX);
}

/* Where a group begins; a view's s7 is the group that its tensor begins with. */
#define GROUP_OF(view, group) GROUP(view, (group) + (view).s7)

/* Four pairs of numbers as the words of a left fragment, what rounding left of them in the second part. */
INLINE void to_fragment(
    uint4 words[PARTS], const float2 x, const float2 y, const float2 z, const float2 w)
{
#if PARTS == 1
    words[0] = (uint4)(halves(x.x, x.y), halves(y.x, y.y), halves(z.x, z.y), halves(w.x, w.y));
#else
    const float8 whole = (float8)(x, y, z, w);
    const float8 high = as_float8((as_uint8(whole) + 0x1000u) & 0xffffe000u);
    const float8 low = whole - high;
    words[0] = (uint4)(
        halves(high.s0, high.s1), halves(high.s2, high.s3), halves(high.s4, high.s5), halves(high.s6, high.s7));
    words[1] = (uint4)(
        halves(low.s0, low.s1), halves(low.s2, low.s3), halves(low.s4, low.s5), halves(low.s6, low.s7));
#endif
}

/* Where the fragment of a row tile and a term tile begins in an image, in uint4. */
INLINE long by_rows(const int rowTile, const int termTile, const int termTiles, const int block)
{
    return ((long)(rowTile / block * termTiles + termTile) * block + rowTile % block) * FRAGMENT;
}
INLINE long by_terms(const int rowTile, const int termTile, const int rowTiles, const int block)
{
    return ((long)(termTile / block * rowTiles + rowTile) * block + termTile % block) * FRAGMENT;
}

/* c + a bᵀ for one of the two operands that b holds. */
INLINE float4 multiply(
    Warp *const warp, float4 c, const uint4 a[PARTS], const uint4 b[PARTS], const int upper)
{
#define OPERAND(b) (upper ? (b).zw : (b).xy)
#if PARTS == 2
    c = mma(warp, c, a[1], OPERAND(b[0]));
    c = mma(warp, c, a[0], OPERAND(b[1]));
#endif
    return mma(warp, c, a[0], OPERAND(b[0]));
}
