/* Normalisers over the keys of each query, in place or into 16 bits, by a work-group for COLUMNS queries:
 *   tile_softmax             p[j, i] = exp(scale · (s_j − m)) / Σ_j exp(scale · (s_j − m)), m the row's maximum,
 *                            or its minimum under a negative scale
 *   tile_normalize_by_sum    w ← w / Σ_j w_j
 *
 * The difference of two finite scores may overflow, half of it can't; scaling comes after it, so no finite score
 * gives a NaN. Each of LANES work-items of a query takes every LANES-th key; neighbours have neighbouring queries.
 *
 * Weights may be kept in 16 bits (tile_storage.cl) in a place of their own, scaled for 1, which none exceeds.
 *
 * NDRange: (rows i of the block, rounded up to COLUMNS; LANES; groups of the block), work-groups (COLUMNS, LANES, 1).
 */

#define COLUMNS 16
#define LANES 4

#define NORMALISER __attribute__((reqd_work_group_size(COLUMNS, LANES, 1)))

#if STORAGE == FLOAT32
#define WEIGHTS_PARAMETER
#define PUT_WEIGHT(weight, at) s[at] = (weight)
#else
#define WEIGHTS_PARAMETER , __global STORED *restrict weights
#define PUT_WEIGHT(weight, at) WRITE(power_of_two(exponent_of(1.0f)) * (weight), weights, at)
#endif

/* exp(scale · (s − m)) for a score times the scale's sign; none for one that is left out. */
static float score_weight(const float s, const float m, const float size)
{
    return s == -INFINITY ? 0.0f : exp((0.5f * s - 0.5f * m) * size * 2.0f);
}

__kernel NORMALISER void tile_softmax(
    __global float *restrict s, const float scale, const int keys, const int rows WEIGHTS_PARAMETER)
{
    __local float greatest[LANES][COLUMNS], sums[LANES][COLUMNS];
    const int i = get_global_id(0), column = get_local_id(0), lane = get_local_id(1);
    const float sign = scale < 0.0f ? -1.0f : 1.0f, size = fabs(scale);
    const int end = i < rows ? keys : 0; /* all have to meet at the barriers */
    s += get_global_id(2) * keys * rows + i;
#if STORAGE != FLOAT32
    weights += get_global_id(2) * keys * rows + i;
#endif

    float m = -INFINITY, sum = 0.0f;
    for (int first = lane; first < end; first += CHUNK * LANES) {
        const int last = min(first + CHUNK * LANES, end);
        float high = m, part = 0.0f;
        for (int j = first; j < last; j += LANES) high = fmax(high, sign * s[(long)j * rows]);
        for (int j = first; j < last; j += LANES) part += score_weight(sign * s[(long)j * rows], high, size);
        sum = sum * score_weight(m, high, size) + part;
        m = high;
    }
    greatest[lane][column] = m;
    sums[lane][column] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    m = -INFINITY;
    sum = 0.0f;
    for (int other = 0; other < LANES; other++) m = fmax(m, greatest[other][column]);
    for (int other = 0; other < LANES; other++)
        sum += sums[other][column] * score_weight(greatest[other][column], m, size);

    for (int j = lane; j < end; j += LANES)
        PUT_WEIGHT(score_weight(sign * s[(long)j * rows], m, size) / sum, (long)j * rows);
}

__kernel NORMALISER void tile_normalize_by_sum(__global float *restrict w, const int keys, const int rows)
{
    __local float sums[LANES][COLUMNS];
    const int i = get_global_id(0), column = get_local_id(0), lane = get_local_id(1);
    const int end = i < rows ? keys : 0;
    w += get_global_id(2) * keys * rows + i;

    float sum = 0.0f;
    for (int first = lane; first < end; first += CHUNK * LANES) {
        float part = 0.0f;
        for (int j = first; j < min(first + CHUNK * LANES, end); j += LANES) part += w[(long)j * rows];
        sum += part;
    }
    sums[lane][column] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    sum = 0.0f;
    for (int other = 0; other < LANES; other++) sum += sums[other][column];

    for (int j = lane; j < end; j += LANES) w[(long)j * rows] /= sum;
}
