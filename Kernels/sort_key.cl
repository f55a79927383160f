/* Floats as unsigned numbers in the same order, which sort.cl and tile_sort.cl sort: the bits of a negative one
 * inverted, those of another with the sign bit set; so −0 comes before +0. A NaN counts as the greatest, whatever
 * its sign.
 */

#define SIGN 0x80000000u

/* `flip`: none of the bits for an ascending order, all of them for a descending one. */
static inline uint key_of(const float value, const uint flip)
{
    const uint bits = isnan(value) ? ~SIGN : as_uint(value);
    return bits ^ (bits & SIGN ? ~0u : SIGN) ^ flip;
}

static inline uint bits_of(const uint key, const uint flip)
{
    const uint unflipped = key ^ flip;
    return unflipped ^ (unflipped & SIGN ? SIGN : ~0u);
}
