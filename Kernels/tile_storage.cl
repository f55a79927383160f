/* What the tile kernels keep operands in. 16 bits hold numbers that are scaled by a power of two, another one for each
 * tensor of a group, which brings its largest number near the top of float16's range, so that none is beyond it:
 *
 *   stored = x · 2^e, e = exponent_of(max |x|)
 *
 * Each becomes a float when it is read, so that all arithmetic is in floats.
 */

#define FLOAT32 0
#define FLOAT16 1
#define BFLOAT16 2
#ifndef STORAGE
#define STORAGE FLOAT32
#endif

/* The type in memory, the float of a number there, and what puts one there. */
#if STORAGE == FLOAT32
#define STORED float
#define READ(from, at) (from)[at]
#define WRITE(value, to, at) (to)[at] = (value)
#elif STORAGE == FLOAT16
#define STORED ushort
#define READ(from, at) vload_half(at, (__global const half *)(from))
#define WRITE(value, to, at) vstore_half(value, at, (__global half *)(to))
#else
#define STORED ushort
#define READ(from, at) as_float((uint)(from)[at] << 16)
#define WRITE(value, to, at) (to)[at] = bfloat16_of(value)

static ushort bfloat16_of(const float value)
{
    const uint bits = as_uint(value);
    return isnan(value) ? 0x7fff : (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}
#endif

#if STORAGE == FLOAT32
#define SCALED_BACK(value, units) (value)
#else
/* What a sum of products would be had nothing been scaled. */
#define SCALED_BACK(value, units) ((value) * (units).x * (units).y)

/* The power of two by which a tensor is multiplied: its largest number then lies between 2¹³ and 2¹⁴. */
static int exponent_of(const float limit) { return min(140 - (int)(as_uint(limit) >> 23), 126); }

static float power_of_two(const int exponent) { return as_float((uint)(exponent + 127) << 23); }

/* What scales products of two tensors' numbers back: two factors, since their product may be beyond float32 where a
 * sum of the products is not. */
static float2 units_of(const float limit, const float otherLimit)
{
    const int exponent = -exponent_of(limit) - exponent_of(otherLimit);
    return (float2)(power_of_two(exponent / 2), power_of_two(exponent - exponent / 2));
}
#endif
